#include "tests/simulation/truth.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "runner/application.h"

namespace simulation {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::seconds;

constexpr seconds kSecond{1};
// Slots that are looked at one by one; the rest is in the counts.
constexpr size_t kSlotsLookedAt = 2000;

[[noreturn]] void violated(const std::string& what) {
  throw Violation{what};
}

std::string owner_of(const json& run) {
  const json* owners = base::find(run, {"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array() || owners->empty()) return "";
  return base::string_at(owners->front(), {"uid"});
}

bool is_unfinished(const json& run) {
  return !runner::is_final(runner::read_application(run).status.state);
}

std::string policy_of(const json& schedule) {
  return base::string_at(schedule, {"spec", "concurrencyPolicy"});
}

std::string fingerprint_of(const json& schedule) {
  const auto parsed = config::parse_schedule_spec(schedule, "UTC");
  return parsed ? parsed->spec.fingerprint : "";
}

Instant accounted_of(const json& schedule) {
  const auto time =
      base::parse_rfc3339(base::string_at(schedule, {"status", "scheduling", "accounted"}));
  return time ? floor<seconds>(*time) : Instant{};
}

std::string text(Instant time) {
  return base::format_rfc3339(time);
}

}  // namespace

const json& Truth::schedule() const {
  static const json kNone;
  schedule_ = api_.peek(config::scheduled_spark_applications(), kSchedule);
  return schedule_ == nullptr ? kNone : *schedule_;
}

Instant Truth::now() const {
  return floor<seconds>(clock_.now());
}

void Truth::schedule_created() {
  current_uid_ = kube::uid_of(schedule());
  Life fresh;
  fresh.anchor = fresh.anchor_seen = fresh.owed_from = now();
  if (!clock_is_wrong_) latest_ = std::max(latest_, now());
  lives_[current_uid_] = fresh;
}

void Truth::schedule_deleted() {
  life().gone = true;
}

// An edit that is taken back before the controller has seen it never was.
void Truth::schedule_edited() {
  const json& object = schedule();
  Life& it = life();
  const bool taken_back =
      fingerprint_of(object) == base::string_at(object, {"status", "scheduling", "schedule"}) &&
      !fingerprint_of(object).empty();
  it.anchor = taken_back ? it.anchor_seen : now();
  it.owed_is_open = true;
  it.edited = true;
}

void Truth::policy_edited() {
  life().policy_edited = true;
  suspended();
}

// Any edit before the first look: the controller cannot know what it changed.
void Truth::suspended() {
  if (!schedule().contains("status")) life().owed_is_open = true;
}

void Truth::resumed() {
  Life& it = life();
  it.owed_is_open = true;
  if (base::bool_at(schedule(), {"status", "scheduling", "suspended"}).value_or(false))
    it.anchor = it.anchor_seen = now();
}

void Truth::clock_moved() {
  if (clock_is_wrong_) {
    wrong_latest_ = std::max(wrong_latest_, now());
  } else {
    latest_ = std::max(latest_, now());
  }
  for (auto& [uid, it] : lives_) {
    if (now() < latest_) it.reached.emplace_back(now(), latest_);
    it.anchor = std::min(it.anchor, now());
    it.anchor_seen = std::min(it.anchor_seen, now());
  }
}

void Truth::clock_went_wrong() {
  clock_is_wrong_ = true;
  wrong_latest_ = now();
}

// From when on slots are owed again the controller says: when it believes this clock.
void Truth::clock_was_set_right() {
  clock_is_wrong_ = false;
  for (auto& [uid, it] : lives_) {
    it.reached.emplace_back(now(), wrong_latest_);
    it.owed_is_open = true;
  }
  clock_moved();
}

void Truth::run_wished(Wish wish) {
  ++life().wishes;
  if (wish == Wish::Word) life().wish_is_open = true;
}

void Truth::run_created(const kube::ObjectKey& key) {
  const auto run = api_.peek(config::spark_applications(), key);
  const json& object = schedule();
  const std::string owner = owner_of(*run);
  runs_[kube::uid_of(*run)] = owner;
  if (object.is_null() || kube::uid_of(object) != owner)
    violated(key.name + " was created for a schedule that is gone");
  if (policy_of(object) == "Forbid" || policy_of(object) == "Replace") {
    const std::string uid = kube::uid_of(*run);
    if (alive_besides(uid) > 0) violated(key.name + " started while another driver was alive");
    if (unfinished_besides(uid) > 0) violated(key.name + " started beside an unfinished run");
  }
  const auto slot = base::parse_rfc3339(
      base::string_at(*run, {"metadata", "annotations", config::kScheduledTimeAnnotation}));
  if (!slot) violated(key.name + " does not know its slot");
  if (base::find(*run, {"metadata", "annotations", config::kManualRunAnnotation}) != nullptr) {
    life().wish_is_open = false;
    if (++life().by_hand[key.name] > 1) violated(key.name + " was started twice");
    if (life().by_hand.size() > life().wishes) violated(key.name + " was wished by nobody");
    return;
  }
  slot_started(object, floor<seconds>(*slot));
}

void Truth::slot_started(const json& object, Instant slot) {
  Life& it = life();
  if (++it.started[slot] > 1) violated("slot " + text(slot) + " was started twice");
  if (slot > now()) violated("slot " + text(slot) + " was started early");
  if (slot <= it.anchor)
    violated("slot " + text(slot) + " was started, but nothing up to " + text(it.anchor) +
             " is owed");
  if (base::bool_at(object, {"spec", "suspend"}).value_or(false))
    violated("slot " + text(slot) + " was started while suspended");
}

size_t Truth::alive_besides(const std::string& run_uid) const {
  return static_cast<size_t>(
      std::count_if(processes.begin(), processes.end(), [&](const Process& process) {
        return process.alive && process.run_uid != run_uid && runs_.contains(process.run_uid);
      }));
}

size_t Truth::unfinished_besides(const std::string& run_uid) const {
  const auto runs = api_.peek_all(config::spark_applications());
  return static_cast<size_t>(std::count_if(runs.begin(), runs.end(), [&](const auto& run) {
    const std::string uid = kube::uid_of(*run);
    return uid != run_uid && runs_.contains(uid) && is_unfinished(*run);
  }));
}

// A driver that nobody could make yet is no failed run.
void Truth::run_status_written(const kube::ObjectKey& key) {
  const auto run = api_.peek(config::spark_applications(), key);
  if (run == nullptr) return;
  const auto owner = runs_.find(kube::uid_of(*run));
  const json& object = schedule();
  if (owner == runs_.end() || object.is_null() || owner->second != kube::uid_of(object)) return;
  const bool given_up = base::find(object, {"spec", "startingDeadlineSeconds"}) != nullptr ||
                        base::find(*run, {"metadata", "deletionTimestamp"}) != nullptr;
  if (given_up || driven_.contains(owner->first)) return;
  if (runner::read_application(*run).status.state == runner::AppState::Failed)
    violated(key.name + " failed, though no driver of it was ever made");
}

void Truth::process_started(const Process& process) {
  // No run there has a restart policy, and nobody edits one.
  if (!driven_.insert(process.run_uid).second) violated("a second driver of one run started");
  const json& object = schedule();
  const auto owner = runs_.find(process.run_uid);
  if (owner == runs_.end() || object.is_null() || owner->second != kube::uid_of(object)) return;
  const std::string policy = policy_of(object);
  if (life().policy_edited || (policy != "Forbid" && policy != "Replace")) return;
  if (alive_besides(process.run_uid) > 0) violated("two drivers are alive under " + policy);
}

void Truth::run_deleted_by_schedules(const kube::ObjectKey& key) {
  const auto run = api_.peek(config::spark_applications(), key);
  if (run == nullptr) return;
  const std::string owner = owner_of(*run);
  if (owner == current_uid_) return;
  // What a deleted schedule of this name has left goes, if nobody collects it.
  const auto namesake = lives_.find(owner);
  if (namesake == lives_.end() || !namesake->second.gone)
    violated(key.name + " was deleted, but belongs to somebody else");
}

void Truth::status_written() {
  const json& object = schedule();
  if (object.is_null()) return;
  Life& it = life();
  const bool current = base::integer_at(object, {"status", "observedGeneration"}) ==
                       base::integer_at(object, {"metadata", "generation"});
  const bool valid = base::string_at(object, {"status", "scheduleState"}) == "Scheduled";
  if (!current || !valid || base::bool_at(object, {"spec", "suspend"}).value_or(false)) return;
  it.anchor_seen = it.anchor;
  if (!it.owed_is_open || accounted_of(object) > now()) return;
  it.owed_is_open = false;
  it.owed_from = clock_is_wrong_ ? now() : latest_;
}

void Truth::read_the_books() {
  for (const auto& [uid, run] : recorder_.runs)
    if (auto& known = runs_recorded_[uid]; run.ended || !known.ended) known = run;
  for (const auto& [key, skip] : recorder_.skips)
    skips_recorded_.insert({key, skip});
}

// What it owed and held is forgotten, not what it started.
void Truth::status_lost() {
  read_the_books();
  Life& it = life();
  it.owed_is_open = true;
  // One that had been taken up stood there and nowhere else.
  it.wish_is_open = false;
  if (recorder_.knows(current_uid_)) return;
  it.counts_lost = true;
  // Whoever knows nothing does it once more.
  ++it.wishes;
}

void Truth::ledger_lost() {
  read_the_books();
  for (auto& [uid, it] : lives_)
    it.records_lost = true;
}

void Truth::settled() {
  read_the_books();
  for (const auto& [uid, it] : lives_) {
    check_skips(uid, it);
    if (it.gone) {
      check_gone(uid);
    } else {
      if (it.wish_is_open) violated("a wish for a run was forgotten");
      check_clock();
      check_slots(uid, it);
      check_counts(uid, it);
      // What a status told before and what comes later are told apart by the time.
      if (it.reached.empty()) check_ledger(uid);
      check_history();
    }
  }
}

// However wrong a clock was, some minutes later it is forgotten.
void Truth::check_clock() const {
  const json& object = schedule();
  const bool valid = base::string_at(object, {"status", "scheduleState"}) == "Scheduled";
  if (valid && accounted_of(object) > now() + std::chrono::hours(2))
    violated("slots are accounted for up to " + text(accounted_of(object)));
}

// Every slot is exactly one of started and skipped.
void Truth::check_slots(const std::string& uid, const Life& it) const {
  const json& object = schedule();
  if (it.owed_is_open || base::bool_at(object, {"spec", "suspend"}).value_or(false)) return;
  const auto parsed = config::parse_schedule_spec(object, "UTC");
  if (!parsed) return;
  Instant slot = it.owed_from;
  for (size_t i = 0; i < kSlotsLookedAt; ++i) {
    const auto next = parsed->spec.schedule->next(slot);
    if (!next || *next > now()) return;
    slot = *next;
    const bool started = it.started.contains(slot);
    const bool skipped =
        std::any_of(skips_recorded_.begin(), skips_recorded_.end(), [&](const auto& entry) {
          // What a wrong clock skipped up to its own time says nothing of the slots in between.
          return entry.second.schedule_uid == uid && entry.second.from <= slot &&
                 slot <= entry.second.to && entry.second.to <= now();
        });
    const bool reached = std::any_of(it.reached.begin(), it.reached.end(), [&](const auto& span) {
      return span.first < slot && slot <= span.second;
    });
    if (!started && !skipped) violated("slot " + text(slot) + " was lost");
    if (started && skipped && !it.edited && !reached)
      violated("slot " + text(slot) + " was both started and skipped");
  }
}

void Truth::check_skips(const std::string& uid, const Life& it) const {
  Instant last{};
  for (const auto& [key, skip] : skips_recorded_) {
    if (skip.schedule_uid != uid) continue;
    if (skip.from <= last && last != Instant{} && it.reached.empty())
      violated("the skips up to " + text(last) + " and from " + text(skip.from) + " overlap");
    last = skip.to;
    if (it.edited || it.gone) continue;
    const auto parsed = config::parse_schedule_spec(schedule(), "UTC");
    if (parsed && parsed->spec.schedule->count(skip.from - kSecond, skip.to) != skip.count)
      violated("the count of the skips from " + text(skip.from) + " is wrong");
  }
}

void Truth::check_counts(const std::string& uid, const Life& it) const {
  const json counts = schedule().value("status", json::object()).value("counts", json::object());
  const auto expect = [&](const char* name, uint64_t truth) {
    const auto said = base::integer_at(counts, {name}).value_or(-1);
    if (said != static_cast<int64_t>(truth))
      violated(std::string("counts.") + name + " is " + std::to_string(said) + ", but it was " +
               std::to_string(truth));
  };
  uint64_t succeeded = 0;
  uint64_t skipped = 0;
  for (const auto& [run, record] : runs_recorded_)
    if (record.schedule_uid == uid && record.ended && record.state == "COMPLETED") ++succeeded;
  for (const auto& [key, skip] : skips_recorded_)
    if (skip.schedule_uid == uid) skipped += skip.count;
  if (it.counts_lost || it.records_lost) return check_sum(it, succeeded);
  const uint64_t started = it.started.size() + it.by_hand.size();
  expect("started", started);
  expect("succeeded", succeeded);
  expect("failed", started - succeeded);
  // A slot that was skipped ahead of its time may be skipped again, and is counted again; the
  // recorder knows a stretch only once.
  if (it.reached.empty()) expect("skipped", skipped);
  expect("active", 0);
}

// What was in no record and no status is not counted; whatever is counted happened, and ended.
void Truth::check_sum(const Life& it, uint64_t succeeded) const {
  // What a status told before and what comes later are told apart by the time.
  if (!it.reached.empty()) return;
  const json counts = schedule().value("status", json::object()).value("counts", json::object());
  const auto said = [&](const char* name) {
    return static_cast<uint64_t>(base::integer_at(counts, {name}).value_or(0));
  };
  const uint64_t started = it.started.size() + it.by_hand.size();
  const std::string text = counts.dump();
  if (said("started") != said("succeeded") + said("failed"))
    violated("of the runs that started not all ended: " + text);
  if (said("started") > started || said("succeeded") > succeeded)
    violated("more is counted than happened: " + text);
  if (!it.counts_lost && said("started") < started)
    violated("of " + std::to_string(started) + " starts fewer are counted: " + text);
}

// One owner of counts: whoever reads the ledger sees what stands in the status.
void Truth::check_ledger(const std::string& uid) const {
  const auto known = recorder_.remembered(uid, now());
  if (!known || !*known) return;
  const runner::RunCounts counts = (*known)->counts;
  const json said = schedule().value("status", json::object()).value("counts", json::object());
  const auto same = [&](const char* name, uint64_t recorded) {
    if (base::integer_at(said, {name}).value_or(0) != static_cast<int64_t>(recorded))
      violated("the ledger has " + std::to_string(recorded) + " " + name + ", the status " +
               said.dump());
  };
  same("started", counts.started);
  same("succeeded", counts.succeeded);
  same("failed", counts.failed);
}

void Truth::check_history() const {
  const json& object = schedule();
  int64_t succeeded = 0;
  int64_t failed = 0;
  for (const auto& run : api_.peek_all(config::spark_applications())) {
    if (owner_of(*run) != kube::uid_of(object)) continue;
    const auto state = runner::read_application(*run).status.state;
    if (state == runner::AppState::Completed) ++succeeded;
    if (state == runner::AppState::Failed) ++failed;
  }
  const auto limit = [&](const char* name) {
    return base::integer_at(object, {"spec", name}).value_or(1);
  };
  if (succeeded > limit("successfulRunHistoryLimit")) violated("too many succeeded runs are kept");
  if (failed > limit("failedRunHistoryLimit")) violated("too many failed runs are kept");
}

// What a deleted schedule leaves: no runs, and a record of each.
void Truth::check_gone(const std::string& uid) const {
  for (const auto& run : api_.peek_all(config::spark_applications()))
    if (owner_of(*run) == uid) violated(kube::key_of(*run).name + " outlived its schedule");
  for (const auto& [run, schedule_uid] : runs_) {
    if (schedule_uid != uid || forced.contains(run)) continue;
    const auto record = runs_recorded_.find(run);
    if (record == runs_recorded_.end() || !record->second.ended)
      violated("the end of a run of a deleted schedule was not recorded");
  }
}

}  // namespace simulation
