#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

using kube::Json;

// Best effort: a description without events is better than none.
std::vector<Json> events_about(Session& session, const Json& object) {
  auto events = session.api.list(kube::core_events(),
                                 {.ns = kube::key_of(object).ns,
                                  .field_selector = "involvedObject.uid=" + kube::uid_of(object)});
  if (!events) {
    session.err << "sparkctl: events cannot be read: " << events.error().message << '\n';
    return {};
  }
  say_left_out(session, kube::core_events(), *events);
  return std::move(events->items);
}

void show(Session& session, const kube::ResourceType& type, const std::vector<Json>& objects) {
  const bool runs = type == config::spark_applications();
  Table table = runs ? table_of_runs(session) : table_of_schedules(session);
  (runs ? add_runs : add_schedules)(table, session, objects);
  table.print(session.out, session.colours);
}

// A run that was pruned is still in the history. `missing`: why the API does not have it.
base::Result<Json> remembered(Session& session, const std::string& name,
                              const base::Error& missing) {
  if (missing.code != base::Code::NotFound) return base::failure(missing);
  auto past = past_run(session, name);
  if (past) return past;
  const base::Code code = past.error().code;
  if (code != base::Code::NotFound && code != base::Code::Unimplemented)
    session.err << "sparkctl: the history could not be asked: " << safe_text(past.error().message)
                << '\n';
  return base::failure(missing);
}

base::Status follow_named(Session& session, const std::vector<std::string>& names) {
  std::optional<kube::ResourceType> type;
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Found found, find_schedule_or_run(session, name));
    wanted.insert(kube::key_of(*found.object).name);
    if (type && !(*type == found.type))
      return base::failure(base::Code::InvalidArgument,
                           "--watch takes schedules or runs, not both at once");
    type = found.type;
  }
  session.scope = Scope::Namespace;
  return watch(session, *type,
               [&](const Json& object) { return wanted.contains(kube::key_of(object).name); });
}

}  // namespace

base::Status list(Session& session, Listed what, const std::string& named, Follow follow) {
  std::string schedule;
  if (!named.empty()) {
    ASSIGN_OR_RETURN(const Json object, find_schedule(session, named));
    schedule = kube::key_of(object).name;
  }
  const kube::ResourceType& type =
      what == Listed::Runs ? config::spark_applications() : config::scheduled_spark_applications();
  if (follow == Follow::Yes) {
    return watch(session, type, [&](const Json& object) {
      return schedule.empty() || schedule_of(object) == schedule;
    });
  }
  kube::ObjectList list;
  if (schedule.empty()) {
    ASSIGN_OR_RETURN(list, list_all(session, type));
  } else {
    ASSIGN_OR_RETURN(list, runs_of(session, schedule));
  }
  say_left_out(session, type, list);
  const std::vector<Json>& objects = list.items;
  if (show_raw(session, type, objects, Shape::List)) return {};
  if (objects.empty() && !list.unreadable.empty()) return {};
  if (objects.empty()) {
    session.err << (what == Listed::Runs ? "No runs" : "No schedules")
                << (session.scope == Scope::All ? std::string(" in any namespace")
                                                : " in namespace \"" + session.ns + "\"")
                << ".\n";
    return {};
  }
  show(session, type, objects);
  return {};
}

base::Status get(Session& session, const std::vector<std::string>& names, Follow follow) {
  if (follow == Follow::Yes) return follow_named(session, names);
  std::vector<Json> schedules;
  std::vector<Json> runs;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Found found, find_schedule_or_run(session, name));
    if (show_raw(session, found.type, {*found.object}, Shape::One)) continue;
    (found.type == config::spark_applications() ? runs : schedules).push_back(*found.object);
  }
  if (!schedules.empty()) show(session, config::scheduled_spark_applications(), schedules);
  if (!runs.empty()) show(session, config::spark_applications(), runs);
  return {};
}

base::Status describe(Session& session, const std::vector<std::string>& names) {
  if (session.output != Output::Table && session.output != Output::Wide) return get(session, names);
  bool first = true;
  for (const std::string& name : names) {
    const auto seen = find_schedule_or_run(session, name);
    if (!seen) {
      ASSIGN_OR_RETURN(const Json past, remembered(session, name, seen.error()));
      if (!std::exchange(first, false)) session.out << '\n';
      describe_past_run(session, past);
      continue;
    }
    const Found& found = *seen;
    if (!first) session.out << '\n';
    first = false;
    const std::vector<Json> events = events_about(session, *found.object);
    if (found.type == config::spark_applications()) {
      describe_run(session, *found.object, events);
    } else {
      describe_schedule(session, *found.object, events);
    }
  }
  return {};
}

base::Status events(Session& session, const std::string& name, Follow follow) {
  // What a schedule starts is named after it.
  const Wanted wanted = [&](const Json& event) {
    const std::string about = base::string_at(event, {"involvedObject", "name"});
    return name.empty() || about == name || about.starts_with(name + "-");
  };
  if (follow == Follow::Yes) return watch(session, kube::core_events(), wanted);
  ASSIGN_OR_RETURN(kube::ObjectList list, list_all(session, kube::core_events()));
  say_left_out(session, kube::core_events(), list);
  std::erase_if(list.items, [&](const Json& event) { return !wanted(event); });
  sort_events(list.items);
  if (show_raw(session, kube::core_events(), list.items, Shape::List)) return {};
  if (list.items.empty()) {
    session.err << "No events; an API server forgets them after an hour or so.\n";
    return {};
  }
  Table table = table_of_events(session);
  add_events(table, session, list.items);
  table.print(session.out, session.colours);
  return {};
}

base::Status version(Session& session) {
  const auto answer = session.raw({.method = "GET", .path = "/version"});
  if (!answer) return base::failure(answer.error());
  const auto parsed = base::parse_json(answer->body);
  const std::string version = parsed ? base::string_at(*parsed, {"gitVersion"}) : "";
  session.out << "server " << (version.empty() ? "of an unknown version" : version) << '\n';
  return {};
}

}  // namespace sparkctl
