#include "runner/schedules/status.h"

#include <algorithm>
#include <tuple>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "runner/application.h"
#include "runner/failure.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using scheduler::Instant;
using scheduler::RunPhase;
using std::chrono::floor;
using std::chrono::seconds;

constexpr size_t kRecentRuns = 10;

std::string text_of(Instant time) {
  return base::format_rfc3339(time);
}
std::string text_of(base::WallTime time) {
  return base::format_rfc3339(floor<seconds>(time));
}

json status_before(const json& schedule) {
  const json* status = base::find(schedule, {"status"});
  return status != nullptr && status->is_object() ? *status : json::object();
}

int64_t generation_of(const json& schedule) {
  return base::integer_at(schedule, {"metadata", "generation"}).value_or(0);
}

struct Condition {
  const char* type;
  const char* status;
  std::string reason;
  std::string message;
};

// Sets a condition; lastTransitionTime moves only when its status does.
void set_condition(json& status, const json& schedule, base::WallTime now,
                   const Condition& condition) {
  json& list = status["conditions"];
  if (!list.is_array()) list = json::array();
  json next{{"type", condition.type},
            {"status", condition.status},
            {"reason", condition.reason},
            {"message", condition.message},
            {"observedGeneration", generation_of(schedule)},
            {"lastTransitionTime", text_of(now)}};
  for (json& old : list) {
    if (base::string_at(old, {"type"}) != condition.type) continue;
    const std::string since = base::string_at(old, {"lastTransitionTime"});
    if (base::string_at(old, {"status"}) == condition.status && !since.empty())
      next["lastTransitionTime"] = since;
    old = std::move(next);
    return;
  }
  list.push_back(std::move(next));
}

std::string outcome_of(const ScheduleRun& run) {
  if (run.observed.phase == RunPhase::Succeeded) return "Succeeded";
  if (run.observed.phase == RunPhase::Failed) return "Failed";
  if (run.observed.stopping) return "Stopping";
  // A driver that runs, or that has run and is not heard of, as against one that is still to start.
  const AppState state = parse_app_state(run.state);
  const bool runs = state == AppState::Running || state == AppState::Unknown ||
                    state == AppState::Succeeding || state == AppState::Failing ||
                    state == AppState::Suspending || state == AppState::Invalidating;
  return runs ? "Running" : "Pending";
}

class StatusWriter {
 public:
  explicit StatusWriter(StatusInput input)
      : in_(std::move(input)), status_(status_before(in_.schedule)) {
    std::sort(runs().begin(), runs().end(), [](const ScheduleRun& a, const ScheduleRun& b) {
      return std::pair(a.observed.created, a.observed.name) >
             std::pair(b.observed.created, b.observed.name);
    });
  }

  json write() {
    write_schedule_state({.decided = in_.decision.state, .skips = in_.skips}, status_);
    status_["observedGeneration"] = generation_of(in_.schedule);
    status_["scheduleState"] = "Scheduled";
    status_["timeZone"] = in_.spec.schedule->zone().name();
    status_.erase("reason");
    write_next();
    write_last();
    write_lists();
    write_recent();
    write_conditions();
    return std::move(status_);
  }

 private:
  std::vector<ScheduleRun>& runs() { return in_.runs; }

  void write_next() {
    status_.erase("nextRun");
    json next = json::array();
    for (const Instant slot : in_.decision.next_runs)
      next.push_back(text_of(slot));
    if (!next.empty()) status_["nextRun"] = next.front();
    status_["nextRuns"] = std::move(next);
  }

  // Moves a time in the status forward, never back: its run may have been pruned since.
  void raise(const char* field, const std::optional<std::string>& time) {
    if (time && *time > base::string_at(status_, {field})) status_[field] = *time;
  }

  // What a clock left behind that was wrong: it is not the last of anything.
  [[nodiscard]] bool is_ahead(base::WallTime time) const {
    return time > in_.now + scheduler::kClockBelieved;
  }
  [[nodiscard]] bool is_ahead(const ScheduleRun& run) const {
    return is_ahead(run.observed.created) || (run.observed.slot && is_ahead(*run.observed.slot)) ||
           (run.ended && is_ahead(*run.ended));
  }
  void forget_ahead() {
    if (in_.decision.clock_behind) return;  // not believed yet
    for (const char* field : {"lastRun", "lastScheduleTime", "lastSuccessfulTime"}) {
      const auto time = base::parse_rfc3339(base::string_at(status_, {field}));
      if (!time || !is_ahead(*time)) continue;
      status_.erase(field);
      if (std::string_view(field) == "lastRun") status_.erase("lastRunName");
    }
  }

  void write_last() {
    forget_ahead();
    for (const ScheduleRun& run : runs()) {
      if (is_ahead(run) && !in_.decision.clock_behind) continue;
      const std::string created = text_of(run.observed.created);
      if (created >= base::string_at(status_, {"lastRun"}) && !run.observed.gone) {
        if (created > base::string_at(status_, {"lastRun"}) ||
            run.observed.name > base::string_at(status_, {"lastRunName"})) {
          status_["lastRun"] = created;
          status_["lastRunName"] = run.observed.name;
        }
      }
      if (run.observed.slot) raise("lastScheduleTime", text_of(*run.observed.slot));
      if (run.observed.phase == RunPhase::Succeeded && run.ended)
        raise("lastSuccessfulTime", text_of(*run.ended));
    }
  }

  void write_lists() {
    json active = json::array();
    json succeeded = json::array();
    json failed = json::array();
    for (const ScheduleRun& run : runs()) {
      if (run.observed.gone || pruned(run)) continue;
      switch (run.observed.phase) {
        case RunPhase::Unfinished:
          active.push_back({{"name", run.observed.name}, {"uid", run.observed.uid}});
          if (!run.state.empty()) active.back()["state"] = run.state;
          if (run.observed.slot) active.back()["slot"] = text_of(*run.observed.slot);
          break;
        case RunPhase::Succeeded:
          succeeded.push_back(run.observed.name);
          break;
        case RunPhase::Failed:
          failed.push_back(run.observed.name);
          break;
      }
    }
    status_["active"] = std::move(active);
    status_["pastSuccessfulRunNames"] = std::move(succeeded);
    status_["pastFailedRunNames"] = std::move(failed);
  }

  [[nodiscard]] bool pruned(const ScheduleRun& run) const {
    return std::any_of(in_.decision.actions.begin(), in_.decision.actions.end(),
                       [&](const scheduler::Action& action) {
                         const auto* gone = std::get_if<scheduler::DeleteRun>(&action);
                         return gone != nullptr && gone->uid == run.observed.uid;
                       });
  }

  // Entries of runs are found again by name and kept up to date; those of slots that were skipped
  // never change.
  void write_recent() {
    std::vector<json> recent;
    if (const json* before = base::find(status_, {"recentRuns"}); before && before->is_array())
      recent.assign(before->begin(), before->end());
    for (const ScheduleRun& run : runs())
      if (!is_uncounted(run)) put_run(recent, run);
    for (const scheduler::EndedRun& ended : in_.decision.ended)
      if (ended.gone) close_entry(recent, ended);
    for (const scheduler::Action& action : in_.decision.actions)
      if (const auto* skip = std::get_if<scheduler::SkipRun>(&action))
        recent.push_back(skip_entry(*skip));
    const std::string latest = text_of(in_.now + scheduler::kClockBelieved);
    const auto key = [&](const json& one) {
      const std::string slot = base::string_at(one, {"slot"});
      return std::tuple(slot <= latest, slot, base::string_at(one, {"name"}));
    };
    std::sort(recent.begin(), recent.end(),
              [&](const json& a, const json& b) { return key(a) > key(b); });
    if (recent.size() > kRecentRuns) recent.resize(kRecentRuns);
    status_["recentRuns"] = recent;
  }

  [[nodiscard]] bool is_uncounted(const ScheduleRun& run) const {
    return run.observed.slot && !in_.decision.state.has_counted(*run.observed.slot);
  }

  static void put_run(std::vector<json>& recent, const ScheduleRun& run) {
    // A run by hand stands where it was asked for.
    json entry{
        {"slot", run.observed.slot ? text_of(*run.observed.slot) : text_of(run.observed.created)},
        {"name", run.observed.name},
        {"outcome", outcome_of(run)},
        {"started", text_of(run.observed.created)}};
    if (run.ended) entry["ended"] = text_of(*run.ended);
    // Why it failed, waits, or is in doubt.
    if (!run.message.empty()) entry["reason"] = one_line(run.message);
    const auto old = std::find_if(recent.begin(), recent.end(), [&](const json& one) {
      return base::string_at(one, {"name"}) == run.observed.name;
    });
    if (old == recent.end()) {
      recent.push_back(std::move(entry));
    } else if (!old->contains("ended") || entry.contains("ended")) {
      *old = std::move(entry);
    }
  }

  void close_entry(std::vector<json>& recent, const scheduler::EndedRun& ended) const {
    for (json& entry : recent) {
      if (base::string_at(entry, {"name"}) != ended.run.name || entry.contains("ended")) continue;
      entry["outcome"] = "Failed";
      entry["reason"] = "the run was deleted before its end was seen";
      entry["ended"] = text_of(in_.now);
    }
  }

  static json skip_entry(const scheduler::SkipRun& skip) {
    json entry{{"slot", text_of(skip.slots.first)},
               {"outcome", "Skipped"},
               {"reason", to_string(skip.reason)}};
    if (skip.slots.count > 1) {
      entry["until"] = text_of(skip.slots.last);
      entry["count"] = skip.slots.count;
    }
    return entry;
  }

  void write_conditions() {
    set(ready());
    const bool suspended = in_.spec.policy.suspended;
    set({"Suspended", suspended ? "True" : "False", suspended ? "Suspended" : "Active",
         suspended ? "spec.suspend is true: no runs are started" : ""});
    // While suspended nothing is planned; whether it could fire is still worth knowing.
    const bool never = !in_.spec.schedule->next(floor<seconds>(in_.now));
    set({"NeverFires", never ? "True" : "False", never ? "NoMoreSlots" : "HasSlots",
         never ? "the schedule has no slot in the future" : ""});
    write_last_result();
  }

  [[nodiscard]] Condition ready() const {
    if (!in_.trouble.reason.empty())
      return {"Ready", "False", in_.trouble.reason, in_.trouble.message};
    if (in_.decision.clock_behind)
      return {"Ready", "False", "ClockBehind",
              "the clock is before " + text_of(in_.decision.state.accounted) +
                  ", up to which all slots are accounted for; nothing starts until then, or until "
                  "the clock has stood so for " +
                  std::to_string(scheduler::kClockBelieved.count()) +
                  " minutes. Edit or resume the schedule to have the clock believed now"};
    if (in_.decision.waiting)
      return {"Ready", "True", "Waiting", "a run waits until those before it have ended"};
    return {"Ready", "True", "Scheduled", ""};
  }

  void write_last_result() {
    const ScheduleRun* last = nullptr;
    for (const ScheduleRun& run : runs())
      if (run.ended && !is_ahead(run) && (last == nullptr || *run.ended > *last->ended))
        last = &run;
    if (last != nullptr) {
      const bool good = last->observed.phase == RunPhase::Succeeded;
      set({"LastRunSucceeded", good ? "True" : "False", good ? "Succeeded" : "Failed",
           last->observed.name + (last->message.empty() ? "" : ": " + one_line(last->message))});
    } else if (!has_condition("LastRunSucceeded")) {
      set({"LastRunSucceeded", "Unknown", "NoRunEnded", ""});
    }
  }

  [[nodiscard]] bool has_condition(std::string_view type) const {
    const json* list = base::find(status_, {"conditions"});
    return list != nullptr && std::any_of(list->begin(), list->end(), [&](const json& one) {
             return base::string_at(one, {"type"}) == type;
           });
  }

  void set(const Condition& condition) { set_condition(status_, in_.schedule, in_.now, condition); }

  StatusInput in_;
  json status_;
};

}  // namespace

json schedule_status(StatusInput input) {
  return StatusWriter(std::move(input)).write();
}

json failing_status(const json& schedule, base::WallTime now, const std::string& message) {
  json status = status_before(schedule);
  set_condition(status, schedule, now, {"Ready", "False", "ReconcileFailing", message});
  return status;
}

json invalid_status(const json& schedule, base::WallTime now, const std::string& message) {
  json status = status_before(schedule);
  status["observedGeneration"] = generation_of(schedule);
  status["scheduleState"] = "FailedValidation";
  status["reason"] = message;
  status.erase("nextRun");
  status["nextRuns"] = json::array();
  // Nothing is owed from this time either: whatever repairs the spec counts as an edit.
  if (status.contains("scheduling")) status["scheduling"]["schedule"] = "";
  set_condition(status, schedule, now, {"Ready", "False", "InvalidSpec", message});
  return status;
}

}  // namespace runner::schedules
