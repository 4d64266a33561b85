#include <algorithm>
#include <chrono>
#include <ostream>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/failure.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {
namespace {

using base::integer_at;
using base::string_at;
using kube::Json;

constexpr size_t kLabelWidth = 20;
constexpr const char* kIndent = "  ";

const Json& array_at(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json kEmpty = Json::array();
  const Json* found = base::find(object, path);
  return found != nullptr && found->is_array() ? *found : kEmpty;
}

class Page {
 public:
  explicit Page(Session& session) : session_(session), now_(session.clock.now()) {}

  // "Label:              value"; nothing for an empty value.
  void line(const std::string& label, const std::string& value, Colour colour = Colour::None) {
    if (value.empty()) return;
    session_.out << label << ':' << std::string(kLabelWidth - label.size() - 1, ' ')
                 << coloured(safe_text(value), colour, session_.colours) << '\n';
  }
  // A sentence, and below it the lines that it was taken from.
  void message(const std::string& text) {
    const std::string sentence = runner::one_line(text);
    line("Message", sentence, Colour::Red);
    const size_t end = text.find('\n');
    if (sentence.ends_with("…")) line("In full", text.substr(0, end));
    if (end == std::string::npos) return;
    session_.out << "Log:\n";
    std::istringstream lines(text.substr(end + 1));
    for (std::string one; std::getline(lines, one);)
      session_.out << kIndent << safe_text(one) << '\n';
  }
  void time(const std::string& label, const Json& object,
            std::initializer_list<std::string_view> path) {
    if (const auto when = time_at(object, path)) {
      line(label, base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*when)) + " (" +
                      relative_to(*when, now_) + ")");
    }
  }
  void table(const std::string& title, Table rows, const std::string& otherwise) {
    if (rows.empty()) {
      if (!otherwise.empty()) line(title, otherwise);
      return;
    }
    session_.out << title << ":\n";
    rows.print(session_.out, session_.colours, kIndent);
  }
  [[nodiscard]] base::WallTime now() const { return now_; }

 private:
  Session& session_;
  const base::WallTime now_;
};

std::shared_ptr<const scheduler::TimeZone> zone_of(const Json& schedule) {
  const std::string name = zone_in_force(schedule);
  auto zone = scheduler::TimeZone::load(name.empty() ? "UTC" : name);
  return zone ? *zone : nullptr;
}

std::string local(const std::optional<base::WallTime>& time, const scheduler::TimeZone* zone) {
  return time && zone != nullptr ? local_text(*time, *zone) : "";
}

std::string joined(const Json& names) {
  std::string all;
  for (const Json& name : names) {
    const std::string text = name.is_string() ? name.get<std::string>() : string_at(name, {"name"});
    all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

void specification(Page& page, const Json& schedule) {
  const auto number = [&](const char* field) {
    const auto value = integer_at(schedule, {"spec", field});
    return value ? std::to_string(*value) : std::string("-");
  };
  const std::string zone = zone_in_force(schedule);
  page.line("Schedule", string_at(schedule, {"spec", "schedule"}));
  page.line("Time zone", zone.empty() ? "the service's default (shown: UTC)" : zone);
  const bool suspended = base::bool_at(schedule, {"spec", "suspend"}).value_or(false);
  page.line("Suspended", suspended ? "yes" : "no", suspended ? Colour::Yellow : Colour::None);
  page.line("Concurrency", string_at(schedule, {"spec", "concurrencyPolicy"}));
  page.line("Missed runs", string_at(schedule, {"spec", "missedRunPolicy"}));
  page.line("DST policy", string_at(schedule, {"spec", "dstPolicy"}));
  if (const auto deadline = integer_at(schedule, {"spec", "startingDeadlineSeconds"})) {
    page.line("Starting deadline", std::to_string(*deadline) + "s");
  }
  page.line("History kept", number("successfulRunHistoryLimit") + " successful, " +
                                number("failedRunHistoryLimit") + " failed");
}

void situation(Page& page, const Json& schedule) {
  const std::string state = string_at(schedule, {"status", "scheduleState"});
  const bool invalid = state == "FailedValidation";
  page.line("State", state, invalid ? Colour::Red : Colour::None);
  if (invalid) page.line("Reason", string_at(schedule, {"status", "reason"}), Colour::Red);
  const auto count = [&](const char* name) {
    return std::to_string(integer_at(schedule, {"status", "counts", name}).value_or(0)) + " " +
           name;
  };
  page.line("Counts", count("started") + ", " + count("succeeded") + ", " + count("failed") + ", " +
                          count("skipped") + ", " + count("active"));
  page.time("Last run", schedule, {"status", "lastRun"});
  page.time("Last slot", schedule, {"status", "lastScheduleTime"});
  page.time("Last success", schedule, {"status", "lastSuccessfulTime"});
  if (const Json* held = base::find(schedule, {"status", "scheduling", "held"}))
    page.line("Waiting slots",
              std::to_string(integer_at(*held, {"count"}).value_or(1)) + ", the newest of " +
                  string_at(*held, {"last"}) + ": " + string_at(*held, {"reason"}),
              Colour::Yellow);
  page.line("Active runs", joined(array_at(schedule, {"status", "active"})));
}

void next_runs(Page& page, const Json& schedule, const scheduler::TimeZone* zone) {
  Table table({"LOCAL", "UTC", "WHEN"});
  for (const Json& next : array_at(schedule, {"status", "nextRuns"})) {
    const Json holder = {{"at", next}};
    const auto time = time_at(holder, {"at"});
    table.add(
        {local(time, zone), string_at(holder, {"at"}), time ? relative_to(*time, page.now()) : ""});
  }
  const bool suspended = base::bool_at(schedule, {"spec", "suspend"}).value_or(false);
  page.table("Next runs", std::move(table), suspended ? "none while suspended" : "none");
}

void recent_runs(Page& page, const Json& schedule, const scheduler::TimeZone* zone) {
  Table table({"SLOT", "OUTCOME", "STARTED", "DURATION", "RUN", "REASON"}, Fit::Wrapped);
  for (const Json& run : array_at(schedule, {"status", "recentRuns"})) {
    const std::string outcome = string_at(run, {"outcome"});
    const auto started = time_at(run, {"started"});
    const auto ended = time_at(run, {"ended"});
    std::string slot = local(time_at(run, {"slot"}), zone);
    if (slot.empty()) slot = string_at(run, {"slot"});
    const auto count = integer_at(run, {"count"}).value_or(1);
    std::string name = string_at(run, {"name"});
    if (count > 1) {
      name = std::to_string(count) + " slots, until " + local(time_at(run, {"until"}), zone);
    }
    table.add({slot, Cell(outcome, colour_of(outcome)),
               started ? relative_to(*started, page.now()) : "",
               started && ended ? exact(*ended - *started) : "", name, string_at(run, {"reason"})});
  }
  page.table("Recent runs", std::move(table), "none");
}

void conditions(Page& page, const Json& object) {
  Table table({"TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"}, Fit::Wrapped);
  for (const Json& condition : array_at(object, {"status", "conditions"})) {
    table.add({string_at(condition, {"type"}), string_at(condition, {"status"}),
               string_at(condition, {"reason"}),
               age_at(condition, {"lastTransitionTime"}, page.now()),
               string_at(condition, {"message"})});
  }
  page.table("Conditions", std::move(table), "");
}

void show_events(Page& page, std::vector<Json> events) {
  sort_events(events);
  Table table({"TYPE", "REASON", "AGE", "COUNT", "MESSAGE"}, Fit::Wrapped);
  for (const Json& event : events) {
    std::vector<Cell> row = event_row(event, page.now());
    row.erase(row.begin());
    table.add(std::move(row));
  }
  page.table("Events", std::move(table), "none");
}

}  // namespace

void describe_schedule(Session& session, const Json& schedule, const std::vector<Json>& events) {
  Page page(session);
  page.line("Name", kube::key_of(schedule).name);
  page.line("Namespace", kube::key_of(schedule).ns);
  page.time("Created", schedule, {"metadata", "creationTimestamp"});
  specification(page, schedule);
  situation(page, schedule);
  const auto zone = zone_of(schedule);
  next_runs(page, schedule, zone.get());
  recent_runs(page, schedule, zone.get());
  conditions(page, schedule);
  show_events(page, events);
}

void describe_run(Session& session, const Json& run, const std::vector<Json>& events) {
  Page page(session);
  const std::string state = state_of(run);
  page.line("Name", kube::key_of(run).name);
  page.line("Namespace", kube::key_of(run).ns);
  page.time("Created", run, {"metadata", "creationTimestamp"});
  page.line("Schedule", config::name_from_label(run, config::kScheduledAppNameLabel));
  page.time("Slot", run, {"metadata", "annotations", config::kScheduledTimeAnnotation});
  page.line("State", state, colour_of(state));
  page.message(string_at(run, {"status", "applicationState", "errorMessage"}));
  const auto number = [&](const char* label, const char* field) {
    if (const auto value = integer_at(run, {"status", field})) {
      page.line(label, std::to_string(*value));
    }
  };
  number("Attempts", "executionAttempts");
  number("Submissions", "submissionAttempts");
  number("Executors failed", "executorFailures");
  page.line("Application id", string_at(run, {"status", "sparkApplicationId"}));
  page.line("Driver", string_at(run, {"status", "driverInfo", "podName"}));
  // It ends with the driver, whatever the status still says.
  if (!is_final(state))
    page.line("Web UI", string_at(run, {"status", "driverInfo", "webUIAddress"}));
  page.time("Submitted", run, {"status", "lastSubmissionAttemptTime"});
  page.time("Ended", run, {"status", "terminationTime"});
  Table executors({"EXECUTOR", "STATE"});
  if (const Json* states = base::find(run, {"status", "executorState"});
      states != nullptr && states->is_object()) {
    for (const auto& [name, value] : states->items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : "";
      executors.add({name, Cell(text, colour_of(text))});
    }
  }
  page.table("Executors", std::move(executors), "");
  conditions(page, run);
  show_events(page, events);
}

void describe_past_run(Session& session, const Json& run) {
  Page page(session);
  const std::string state = string_at(run, {"state"});
  page.line("Name", string_at(run, {"name"}));
  page.line("Namespace", string_at(run, {"namespace"}));
  page.line("Kept", "in the history only: the object is gone");
  page.time("Created", run, {"created"});
  page.line("Schedule", string_at(run, {"schedule"}));
  page.time("Slot", run, {"slot"});
  page.line("State", state, colour_of(state));
  page.message(string_at(run, {"message"}));
  for (const auto& [label, field] : {std::pair{"Attempts", "attempts"}, {"Exit code", "exitCode"}})
    if (const auto value = integer_at(run, {field})) page.line(label, std::to_string(*value));
  page.line("Application id", string_at(run, {"applicationId"}));
  page.time("Submitted", run, {"submitted"});
  const bool first = !string_at(run, {"firstStarted"}).empty();
  page.time("Started", run, {first ? "firstStarted" : "started"});
  page.time("Ended", run, {"ended"});
}

}  // namespace sparkctl
