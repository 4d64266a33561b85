// `sparkctl why`: what became of a slot, in words.

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "runner/failure.h"
#include "runner/schedules/state.h"
#include "scheduler/run_name.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/history_service.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/table.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using base::string_at;
using kube::Json;
using scheduler::Instant;

std::string meaning_of(const std::string& reason) {
  struct Meaning {
    const char* reason;
    const char* text;
  };
  static constexpr Meaning kMeanings[] = {
      {"Superseded",
       "a newer slot took its place: of those that were due at once only the newest starts, as "
       "missedRunPolicy Latest and concurrencyPolicy have it"},
      {"ForbidConcurrent",
       "another run was unfinished when it came, and concurrencyPolicy is Forbid"},
      {"DeadlineExceeded", "it could not start within startingDeadlineSeconds"},
      {"MissedSkipped", "nobody was there when it came, and missedRunPolicy is Skip"},
      {"NamespaceTerminating", "its namespace was being deleted"},
      {"CreateRefused",
       "the API refused its run until a newer slot came or its deadline passed; sparkctl events "
       "tells with which words"}};
  for (const Meaning& one : kMeanings)
    if (one.reason == reason) return one.text;
  return "";
}

class Story {
 public:
  Story(Session& session, Json schedule, scheduler::Spec spec)
      : session_(session),
        schedule_(std::move(schedule)),
        key_(kube::key_of(schedule_)),
        spec_(std::move(spec)),
        now_(session.clock.now()) {
    const Json* status = base::find(schedule_, {"status"});
    if (status != nullptr) state_ = runner::schedules::read_schedule_state(*status);
  }

  // What holds for the schedule as a whole.
  void situation() {
    say(key_.name + ": " + string_at(schedule_, {"spec", "schedule"}) + " in " + zone().name());
    if (spec_.policy.suspended)
      say("It is suspended: slots pass and start nothing; sparkctl resume " + key_.name +
          " starts runs again, from the next slot.");
    for (const Json& condition : list({"status", "conditions"})) {
      if (string_at(condition, {"type"}) != "Ready" || string_at(condition, {"status"}) == "True")
        continue;
      const std::string reason = string_at(condition, {"reason"});
      say("It is not ready: " + reason + ": " + string_at(condition, {"message"}) + " (for " +
          age_at(condition, {"lastTransitionTime"}, now_) + ").");
    }
    if (const Json* status = base::find(schedule_, {"status"});
        status == nullptr || status->empty())
      say("No controller has looked at it yet: is sparkcron running, and does it watch namespace " +
          key_.ns + "?");
  }

  base::Status slot(Instant slot) {
    if (slot > now_) return to_come(slot);
    const std::string name = scheduler::run_name(key_.name, slot);
    ASSIGN_OR_RETURN(const std::optional<Json> run, find_run(name));
    if (run) {
      tell_run(slot, *run);
      return {};
    }
    ASSIGN_OR_RETURN(const std::optional<Json> skip, find_skip(slot));
    if (skip) {
      tell_skip(slot, *skip);
    } else if (is_held(slot)) {
      tell_held(slot);
    } else {
      tell_unknown(slot);
    }
    return {};
  }

  void next() {
    const auto slot = spec_.schedule->next(std::chrono::floor<std::chrono::seconds>(now_));
    say(slot ? "Next slot: " + text_of(*slot) + "." : "There is no slot to come.");
  }

  // A time that is none of its slots lies between two.
  void between(Instant time) {
    const auto before = spec_.schedule->prev(time);
    const auto after = spec_.schedule->next(time);
    say(local_text(time, zone()) + " is none of its slots: " +
        (before ? "the one before is " + local_text(*before, zone()) : "there is none before") +
        ", " + (after ? "the next " + local_text(*after, zone()) : "and none after") + ".");
  }

  [[nodiscard]] const scheduler::Schedule& times() const { return *spec_.schedule; }
  [[nodiscard]] const scheduler::TimeZone& zone() const { return spec_.schedule->zone(); }
  [[nodiscard]] base::WallTime now() const { return now_; }

 private:
  void say(const std::string& text) { session_.out << safe_text(text) << '\n'; }
  void detail(const std::string& text) {
    if (!text.empty()) say("  " + text);
  }

  [[nodiscard]] std::string text_of(Instant slot) const {
    return local_text(slot, zone()) + " (" + base::format_rfc3339(slot) + ", " +
           relative_to(slot, now_) + ")";
  }

  [[nodiscard]] std::vector<Json> list(std::initializer_list<std::string_view> path) const {
    const Json* found = base::find(schedule_, path);
    if (found == nullptr || !found->is_array()) return {};
    return {found->begin(), found->end()};
  }

  base::Status to_come(Instant slot) {
    say("Slot " + text_of(slot) + " is still to come.");
    if (spec_.policy.suspended) detail("It will start nothing while the schedule is suspended.");
    if (spec_.schedule->is_catch_up(slot))
      detail("The clock is put forward then: it makes up for a time of day that does not exist.");
    return {};
  }

  // As the history has it. Of a service without one as the API has it.
  base::Result<std::optional<Json>> find_run(const std::string& name) {
    const auto past = past_run(session_, name);
    const auto object = session_.api.get(config::spark_applications(), {key_.ns, name});
    const bool ours = object && schedule_of(*object) == key_.name;
    if (!object && object.error().code != Code::NotFound) return failure(object.error());
    if (past && string_at(*past, {"schedule"}) == key_.name) {
      Json run = *past;
      if (ours) run["object"] = *object;
      return std::optional(std::move(run));
    }
    if (!past && past.error().code != Code::NotFound) say_no_history(past.error());
    if (!ours) return std::optional<Json>{};
    Json run = {{"name", name},
                {"state", state_of(*object)},
                {"created", string_at(*object, {"metadata", "creationTimestamp"})},
                {"message", string_at(*object, {"status", "applicationState", "errorMessage"})},
                {"object", *object}};
    if (const auto attempts = base::integer_at(*object, {"status", "executionAttempts"}))
      run["attempts"] = *attempts;
    if (std::string ended = string_at(*object, {"status", "terminationTime"}); !ended.empty())
      run["ended"] = std::move(ended);
    return std::optional(std::move(run));
  }

  static bool covers(const Json& skip, Instant slot, const char* from, const char* to) {
    const auto begin = time_at(skip, {from});
    const auto end = time_at(skip, {to});
    return begin && *begin <= slot && slot <= end.value_or(*begin);
  }

  base::Result<std::optional<Json>> find_skip(Instant slot) {
    for (Json& one : list({"status", "recentRuns"}))
      if (string_at(one, {"outcome"}) == "Skipped" && covers(one, slot, "slot", "until"))
        return std::optional(std::move(one));
    const auto rows = ask_history_rows(session_, {{"namespace", key_.ns},
                                                  {"schedule", key_.name},
                                                  {"since", base::format_rfc3339(slot)},
                                                  {"limit", "10000"}});
    if (!rows) {
      say_no_history(rows.error());
      return std::optional<Json>{};
    }
    if (const Json* skips = base::find(*rows, {"skips"}); skips != nullptr && skips->is_array())
      for (const Json& one : *skips)
        if (covers(one, slot, "from", "to")) return std::optional(one);
    return std::optional<Json>{};
  }

  void say_no_history(const base::Error& error) {
    if (std::exchange(without_history_, true)) return;
    session_.err
        << "sparkctl: the history could not be asked, so runs and slots of long ago may be "
           "missing: "
        << safe_text(error.message) << '\n';
  }

  void tell_run(Instant slot, const Json& run) {
    const std::string name = string_at(run, {"name"});
    const std::string state = string_at(run, {"state"});
    say("Slot " + text_of(slot) + (is_final(state) ? " ran: " : " has a run: ") + name + ", " +
        state + ".");
    const auto created = time_at(run, {"created"});
    const auto started =
        time_at(run, {"firstStarted"}) ? time_at(run, {"firstStarted"}) : time_at(run, {"started"});
    const auto ended = time_at(run, {"ended"});
    constexpr std::chrono::minutes kLate{1};
    if (created && *created - slot >= kLate)
      detail("It was created " + exact(*created - slot) +
             " after its slot: it was held back, or nobody was there when it came.");
    else if (created)
      detail("It was created " + exact(*created - slot) + " after its slot.");
    if (created && started)
      detail("Its driver started " + exact(*started - *created) + " after that.");
    const auto attempts = base::integer_at(run, {"attempts"}).value_or(0);
    if (created && ended)
      detail("It ended after " + exact(*ended - *created) + ", in " + std::to_string(attempts) +
             (attempts == 1 ? " attempt." : " attempts."));
    const std::string message = runner::one_line(string_at(run, {"message"}));
    if (!message.empty()) detail((state == "FAILED" ? "It failed: " : "It says: ") + message);
    if (state == "FAILED") detail("sparkctl logs " + name + " shows what its driver printed.");
  }

  void tell_skip(Instant slot, const Json& skip) {
    const std::string reason = string_at(skip, {"reason"});
    say("Slot " + text_of(slot) + " was skipped: " + reason + ".");
    const std::string meaning = meaning_of(reason);
    if (!meaning.empty()) detail("That is: " + meaning + ".");
    const auto count = base::integer_at(skip, {"count"}).value_or(1);
    if (count > 1) detail("It is one of " + std::to_string(count) + " that were skipped together.");
  }

  [[nodiscard]] bool is_held(Instant slot) const {
    if (!state_ || !state_->decided.held) return false;
    const scheduler::Stretch& slots = state_->decided.held->slots;
    return slots.first <= slot && slot <= slots.last;
  }

  void tell_held(Instant slot) {
    const std::string reason = to_string(state_->decided.held->reason);
    say("Slot " + text_of(slot) + " is held: it is due and waits.");
    if (reason == "ForbidConcurrent" || reason == "Superseded")
      detail("It waits for unfinished runs to end, as concurrencyPolicy has it.");
    else
      detail("If it does not start, it will be skipped as " + reason + ": " + meaning_of(reason) +
             ".");
    for (const Json& run : list({"status", "active"}))
      detail("Unfinished: " + string_at(run, {"name"}) +
             (string_at(run, {"state"}).empty() ? "" : ", " + string_at(run, {"state"})));
  }

  void tell_unknown(Instant slot) {
    const auto created = time_at(schedule_, {"metadata", "creationTimestamp"});
    if (created && slot <= *created) {
      say("Slot " + text_of(slot) + " lies before the schedule was created.");
    } else if (state_ && slot > state_->decided.accounted && spec_.policy.suspended) {
      say("Slot " + text_of(slot) + " starts nothing: the schedule is suspended.");
      detail("A resume does not make up for it.");
    } else if (state_ && slot > state_->decided.accounted) {
      say("Slot " + text_of(slot) + " is late: it is due, and nothing was decided about it yet.");
      detail(
          "If nothing above says why, look whether sparkcron runs and is the leader, and "
          "at sparkctl events " +
          key_.name + ".");
    } else {
      say("Slot " + text_of(slot) + " left no trace: no run, and no record that it was skipped.");
      detail(
          "Slots pass so while a schedule is suspended or cannot be read, before it is edited, "
          "and before the oldest that the history has kept.");
    }
  }

  Session& session_;
  const Json schedule_;
  const kube::ObjectKey key_;
  const scheduler::Spec spec_;
  const base::WallTime now_;
  std::optional<runner::schedules::ScheduleState> state_;
  bool without_history_ = false;
};

// A date and a time of day, or a time of day alone, as wall time.
std::optional<std::chrono::local_seconds> wall_time_of(const std::string& text,
                                                       std::chrono::local_seconds today) {
  // What RFC 3339 has more than people write.
  const bool has_date = text.size() > 8;
  const std::string date =
      has_date ? text
               : base::format_rfc3339(
                     std::chrono::sys_seconds(
                         std::chrono::floor<std::chrono::days>(today).time_since_epoch()))
                         .substr(0, 11) +
                     text;
  std::string whole = date;
  if (whole.size() > 10 && whole[10] == ' ') whole[10] = 'T';
  if (whole.size() == 16) whole += ":00";
  const auto parsed = base::parse_rfc3339(whole + "Z");
  if (!parsed) return std::nullopt;
  return std::chrono::local_seconds(
      std::chrono::floor<std::chrono::seconds>(*parsed).time_since_epoch());
}

base::Result<Instant> asked_time(const std::string& text, const Story& story) {
  if (const auto time = base::parse_rfc3339(text))
    return std::chrono::floor<std::chrono::seconds>(*time);
  const scheduler::TimeZone& zone = story.zone();
  const auto now = std::chrono::floor<std::chrono::seconds>(story.now());
  const auto wall =
      wall_time_of(text, std::chrono::local_seconds(zone.to_local(now).time.time_since_epoch()));
  if (!wall)
    return failure(Code::InvalidArgument,
                   "--at \"" + safe_text(text.substr(0, 64)) +
                       "\" is no time such as 2026-11-20T01:00:00Z, or \"2026-11-20 02:00\" or "
                       "02:00 in " +
                       zone.name());
  const Instant as_utc{wall->time_since_epoch()};
  // Of a time that comes twice the second; of one that does not exist that of the offset before.
  const Instant guess = as_utc - zone.offset_at(as_utc);
  return as_utc - zone.offset_at(guess);
}

}  // namespace

base::Status why(Session& session, const WhyOptions& options) {
  ASSIGN_OR_RETURN(Json schedule, find_schedule(session, options.schedule));
  const std::string zone = zone_in_force(schedule);
  auto parsed = config::parse_schedule_spec(schedule, zone.empty() ? "UTC" : zone);
  if (!parsed) {
    session.out << safe_text(kube::key_of(schedule).name +
                             ": it starts no runs, for its spec cannot be read: " +
                             parsed.error().message)
                << '\n';
    return {};
  }
  session.ns = kube::key_of(schedule).ns;
  Story story(session, std::move(schedule), std::move(parsed->spec));
  const auto now = std::chrono::floor<std::chrono::seconds>(session.clock.now());
  std::optional<Instant> slot = story.times().prev(now + std::chrono::seconds{1});
  std::optional<Instant> asked;
  if (!options.at.empty()) {
    ASSIGN_OR_RETURN(asked, asked_time(options.at, story));
    slot = story.times().prev(*asked + std::chrono::seconds{1});
  }
  story.situation();
  if (asked && slot != asked) story.between(*asked);
  if (slot) RETURN_IF_ERROR(story.slot(*slot));
  story.next();
  return {};
}

}  // namespace sparkctl
