#include "tools/sparkctl/lookup.h"

#include <algorithm>
#include <ostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

bool is_plain_not_found(const base::Error& error) {
  return error.code == base::Code::NotFound &&
         error.message.find("could not find the requested resource") == std::string::npos;
}

bool newer(const kube::Json& left, const kube::Json& right) {
  const auto key = [](const kube::Json& run) {
    return std::pair(base::string_at(run, {"metadata", "creationTimestamp"}), kube::key_of(run));
  };
  return key(left) > key(right);
}

bool is_kind(std::string_view word, const kube::ResourceType& type) {
  std::string kind = type.kind;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return word == kind || word == kind + "." + type.group || word == type.plural ||
         word == type.plural + "." + type.group;
}

struct Named {
  std::string name;
  bool schedule = true;  // what it may be
  bool run = true;
};

// "nightly", or what -o name prints.
base::Result<Named> named(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return Named{.name = text};
  const std::string kind = text.substr(0, slash);
  const Named found{.name = text.substr(slash + 1),
                    .schedule = is_kind(kind, config::scheduled_spark_applications()),
                    .run = is_kind(kind, config::spark_applications())};
  if (!found.schedule && !found.run)
    return base::failure(base::Code::NotFound,
                         "\"" + safe_text(text) + "\" names neither a schedule nor a run");
  return found;
}

}  // namespace

base::Result<Found> find_schedule_or_run(Session& session, const std::string& text) {
  ASSIGN_OR_RETURN(const Named asked, named(text));
  const std::string& name = asked.name;
  for (const kube::ResourceType* type :
       {&config::scheduled_spark_applications(), &config::spark_applications()}) {
    const bool run = *type == config::spark_applications();
    if (run ? !asked.run : !asked.schedule) continue;
    auto object = session.api.get(*type, {session.ns, name});
    if (object) return Found{*type, std::make_shared<const kube::Json>(std::move(*object))};
    if (!is_plain_not_found(object.error())) return base::failure(object.error());
  }
  return base::failure(base::Code::NotFound, "no schedule or run \"" + name + "\" in namespace \"" +
                                                 session.ns +
                                                 "\"; sparkctl list -A shows all schedules");
}

base::Result<kube::Json> find_schedule(Session& session, const std::string& text) {
  ASSIGN_OR_RETURN(const Named asked, named(text));
  const std::string& name = asked.name;
  if (!asked.schedule)
    return base::failure(base::Code::NotFound, "\"" + safe_text(text) + "\" is no schedule");
  auto object = session.api.get(config::scheduled_spark_applications(), {session.ns, name});
  if (!object && is_plain_not_found(object.error())) {
    return base::failure(base::Code::NotFound, "no schedule \"" + name + "\" in namespace \"" +
                                                   session.ns + "\"; sparkctl list -A shows all");
  }
  return object;
}

std::string schedule_of(const kube::Json& run) {
  const auto owner = kube::owner_of_kind(run, config::kScheduleKind);
  return owner ? owner->name : "";
}

base::Result<kube::ObjectList> runs_of(Session& session, const std::string& schedule) {
  // Label values end at 63 characters and names do not: the owner decides.
  ASSIGN_OR_RETURN(kube::ObjectList list,
                   session.api.list(config::spark_applications(), {.ns = session.ns}));
  std::erase_if(list.items,
                [&schedule](const kube::Json& run) { return schedule_of(run) != schedule; });
  std::sort(list.items.begin(), list.items.end(), newer);
  return list;
}

base::Result<kube::ObjectList> list_all(Session& session, const kube::ResourceType& type) {
  const std::string ns = session.scope == Scope::All ? "" : session.ns;
  ASSIGN_OR_RETURN(kube::ObjectList list, session.api.list(type, {.ns = ns}));
  const bool runs = type == config::spark_applications();
  std::sort(list.items.begin(), list.items.end(), [&](const auto& left, const auto& right) {
    return runs ? newer(left, right) : kube::key_of(left) < kube::key_of(right);
  });
  return list;
}

void say_left_out(Session& session, const kube::ResourceType& type, const kube::ObjectList& list) {
  constexpr size_t kMostSaid = 10;
  const auto& lost = list.unreadable;
  for (size_t i = 0; i < std::min(lost.size(), kMostSaid); ++i) {
    const std::string& name = lost[i].key.name;
    session.err << "sparkctl: "
                << (name.empty() ? "one of the " + type.plural : safe_text(lost[i].key.to_string()))
                << " cannot be read and is left out: " << safe_text(lost[i].reason) << '\n';
  }
  if (lost.size() > kMostSaid)
    session.err << "sparkctl: " << lost.size() - kMostSaid << " more " << type.plural
                << " cannot be read and are left out\n";
}

std::string zone_in_force(const kube::Json& schedule) {
  const std::string known = base::string_at(schedule, {"status", "timeZone"});
  if (!known.empty()) return known;
  const std::string expression = base::string_at(schedule, {"spec", "schedule"});
  for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
    if (!expression.starts_with(prefix)) continue;
    const std::string rest = expression.substr(prefix.size());
    return rest.substr(0, rest.find(' '));
  }
  const std::string zone = base::string_at(schedule, {"spec", "timeZone"});
  return zone == "Local" ? "" : zone;
}

std::string display_name(const kube::ResourceType& type, const std::string& name) {
  std::string kind = type.kind;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!type.group.empty()) kind += "." + type.group;
  return kind + "/" + name;
}

}  // namespace sparkctl
