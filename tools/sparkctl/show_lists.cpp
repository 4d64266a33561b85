#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "config/names.h"
#include "runner/failure.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {
namespace {

using base::integer_at;
using base::string_at;

std::string number_at(const kube::Json& object, std::initializer_list<std::string_view> path) {
  const auto number = integer_at(object, path);
  return number ? std::to_string(*number) : "";
}

std::string last_result(const kube::Json& schedule) {
  const kube::Json* conditions = base::find(schedule, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return "";
  for (const kube::Json& condition : *conditions) {
    if (string_at(condition, {"type"}) == "LastRunSucceeded")
      return string_at(condition, {"reason"});
  }
  return "";
}

bool suspended(const kube::Json& schedule) {
  return base::bool_at(schedule, {"spec", "suspend"}).value_or(false);
}

Cell next_run(const kube::Json& schedule, base::WallTime now) {
  if (suspended(schedule)) return {"suspended", Colour::Yellow};
  if (string_at(schedule, {"status", "scheduleState"}) == "FailedValidation") {
    return {"invalid", Colour::Red};
  }
  const auto next = time_at(schedule, {"status", "nextRun"});
  return next ? Cell(string_at(schedule, {"status", "nextRun"}) + " (" + relative_to(*next, now) +
                     ")")
              : Cell("");
}

}  // namespace

Colour colour_of(const std::string& state) {
  static constexpr const char* kGood[] = {"COMPLETED", "SUCCEEDING", "Succeeded", "Completed"};
  static constexpr const char* kBad[] = {
      "FAILED", "FAILING", "SUBMISSION_FAILED", "Failed", "PENDING_RERUN_FAILED", "UNKNOWN"};
  static constexpr const char* kBetween[] = {"RUNNING",   "SUBMITTED", "PENDING_RERUN", "Running",
                                             "SUSPENDED", "Skipped",   "Pending",       "Stopping"};
  const auto in = [&](const auto& list) {
    return std::find(std::begin(list), std::end(list), state) != std::end(list);
  };
  if (in(kGood)) return Colour::Green;
  if (in(kBad)) return Colour::Red;
  if (in(kBetween)) return Colour::Yellow;
  return Colour::None;
}

std::string state_of(const kube::Json& run) {
  const std::string state = string_at(run, {"status", "applicationState", "state"});
  return state.empty() ? "NEW" : state;
}

std::string reason_of(const kube::Json& run) {
  return runner::one_line(string_at(run, {"status", "applicationState", "errorMessage"}));
}

bool is_final(const std::string& state) {
  return state == "COMPLETED" || state == "FAILED";
}

Table table_of_schedules(const Session& session) {
  const bool all = session.scope == Scope::All;
  const bool wide = session.output == Output::Wide;
  std::vector<std::string> header;
  if (all) header.emplace_back("NAMESPACE");
  for (const char* title :
       {"NAME", "SCHEDULE", "ZONE", "ACTIVE", "LAST RUN", "RESULT", "NEXT RUN", "AGE"})
    header.emplace_back(title);
  if (wide) {
    for (const char* title : {"STARTED", "SUCCEEDED", "FAILED", "SKIPPED", "POLICY", "LAST NAME"})
      header.emplace_back(title);
  }
  return Table(header);
}

void add_schedules(Table& table, const Session& session, const std::vector<kube::Json>& schedules) {
  const bool all = session.scope == Scope::All;
  const bool wide = session.output == Output::Wide;
  const base::WallTime now = session.clock.now();
  for (const kube::Json& schedule : schedules) {
    const kube::ObjectKey key = kube::key_of(schedule);
    const std::string last = age_at(schedule, {"status", "lastRun"}, now);
    const std::string result = last_result(schedule);
    std::vector<Cell> row;
    if (all) row.emplace_back(key.ns);
    row.insert(row.end(),
               {key.name, string_at(schedule, {"spec", "schedule"}), zone_in_force(schedule),
                number_at(schedule, {"status", "counts", "active"}),
                last.empty() ? "" : last + " ago", Cell(result, colour_of(result)),
                next_run(schedule, now), age_at(schedule, {"metadata", "creationTimestamp"}, now)});
    if (wide) {
      for (const char* count : {"started", "succeeded", "failed", "skipped"})
        row.emplace_back(number_at(schedule, {"status", "counts", count}));
      row.emplace_back(string_at(schedule, {"spec", "concurrencyPolicy"}));
      row.emplace_back(string_at(schedule, {"status", "lastRunName"}));
    }
    table.add(std::move(row));
  }
}

Table table_of_runs(const Session& session) {
  const bool all = session.scope == Scope::All;
  const bool wide = session.output == Output::Wide;
  std::vector<std::string> header;
  if (all) header.emplace_back("NAMESPACE");
  for (const char* title : {"NAME", "SCHEDULE", "STATE", "ATTEMPTS", "STARTED", "DURATION", "AGE"})
    header.emplace_back(title);
  if (wide) {
    for (const char* title : {"SLOT", "DRIVER"})
      header.emplace_back(title);
  }
  header.emplace_back("REASON");
  return Table(header, wide ? Fit::AsLong : Fit::Wrapped);
}

void add_runs(Table& table, const Session& session, const std::vector<kube::Json>& runs) {
  const bool all = session.scope == Scope::All;
  const bool wide = session.output == Output::Wide;
  const base::WallTime now = session.clock.now();
  for (const kube::Json& run : runs) {
    const kube::ObjectKey key = kube::key_of(run);
    const std::string state = state_of(run);
    const auto started = time_at(run, {"status", "lastSubmissionAttemptTime"});
    const auto ended = time_at(run, {"status", "terminationTime"});
    std::vector<Cell> row;
    if (all) row.emplace_back(key.ns);
    row.insert(row.end(),
               {key.name, schedule_of(run), Cell(state, colour_of(state)),
                number_at(run, {"status", "executionAttempts"}),
                started ? rough(now - *started) + " ago" : "",
                started && (ended || !is_final(state)) ? exact(ended.value_or(now) - *started) : "",
                age_at(run, {"metadata", "creationTimestamp"}, now)});
    if (wide) {
      row.emplace_back(
          string_at(run, {"metadata", "annotations", config::kScheduledTimeAnnotation}));
      row.emplace_back(string_at(run, {"status", "driverInfo", "podName"}));
    }
    row.emplace_back(reason_of(run));
    table.add(std::move(row));
  }
}

bool show_raw(Session& session, const kube::ResourceType& type, std::vector<kube::Json> objects,
              Shape shape) {
  if (session.output == Output::Table || session.output == Output::Wide) return false;
  if (session.output == Output::Name) {
    for (const kube::Json& object : objects)
      session.out << display_name(type, kube::key_of(object).name) << '\n';
    return true;
  }
  for (kube::Json& object : objects) {
    if (base::find(object, {"metadata", "managedFields"}) != nullptr)
      object["metadata"].erase("managedFields");
  }
  const kube::Json shown =
      shape == Shape::One ? std::move(objects.at(0))
                          : kube::Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}};
  if (session.output == Output::Json) {
    session.out << shown.dump(2, ' ', false, kube::Json::error_handler_t::replace) << '\n';
  } else {
    session.out << base::yaml::dump(shown);
  }
  return true;
}

}  // namespace sparkctl
