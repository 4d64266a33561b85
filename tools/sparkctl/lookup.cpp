#include "tools/sparkctl/lookup.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"

namespace sparkctl {
namespace {

bool is_plain_not_found(const base::Error& error) {
  return error.code == base::Code::NotFound &&
         error.message.find("could not find the requested resource") == std::string::npos;
}

}  // namespace

base::Result<Found> find_schedule_or_run(Session& session, const std::string& name) {
  for (const kube::ResourceType* type :
       {&config::scheduled_spark_applications(), &config::spark_applications()}) {
    auto object = session.api.get(*type, {session.ns, name});
    if (object) return Found{*type, std::make_shared<const kube::Json>(std::move(*object))};
    if (!is_plain_not_found(object.error())) return base::failure(object.error());
  }
  return base::failure(base::Code::NotFound, "no schedule or run \"" + name + "\" in namespace \"" +
                                                 session.ns +
                                                 "\"; sparkctl list -A shows all schedules");
}

base::Result<kube::Json> find_schedule(Session& session, const std::string& name) {
  auto object = session.api.get(config::scheduled_spark_applications(), {session.ns, name});
  if (!object && is_plain_not_found(object.error())) {
    return base::failure(base::Code::NotFound, "no schedule \"" + name + "\" in namespace \"" +
                                                   session.ns + "\"; sparkctl list -A shows all");
  }
  return object;
}

base::Result<std::vector<kube::Json>> runs_of(Session& session, const std::string& schedule) {
  // Label values end at 63 characters and names do not: the owner decides.
  ASSIGN_OR_RETURN(kube::ObjectList list,
                   session.api.list(config::spark_applications(), {.ns = session.ns}));
  std::vector<kube::Json> runs;
  for (kube::Json& run : list.items) {
    const auto owner = kube::owner_of_kind(run, config::kScheduleKind);
    if (owner && owner->name == schedule) runs.push_back(std::move(run));
  }
  const auto newer = [](const kube::Json& left, const kube::Json& right) {
    const auto key = [](const kube::Json& run) {
      return std::pair(base::string_at(run, {"metadata", "creationTimestamp"}),
                       kube::key_of(run).name);
    };
    return key(left) > key(right);
  };
  std::sort(runs.begin(), runs.end(), newer);
  return runs;
}

base::Result<std::vector<kube::Json>> list_all(Session& session, const kube::ResourceType& type) {
  const std::string ns = session.scope == Scope::All ? "" : session.ns;
  ASSIGN_OR_RETURN(kube::ObjectList list, session.api.list(type, {.ns = ns}));
  std::sort(list.items.begin(), list.items.end(), [](const auto& left, const auto& right) {
    return kube::key_of(left) < kube::key_of(right);
  });
  return std::move(list.items);
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
