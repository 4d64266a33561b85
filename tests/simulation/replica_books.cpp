#include "tests/simulation/replica_books.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "kube/lease.h"
#include "kube/object.h"

namespace simulation {

using nlohmann::json;
using scheduler::Instant;
using std::chrono::floor;
using std::chrono::seconds;

namespace {

std::vector<runner::SkipRecord> skips_of(const std::vector<tests::MemoryRecorder*>& ledgers) {
  std::set<std::pair<Instant, Instant>> seen;
  std::vector<runner::SkipRecord> skips;
  for (const tests::MemoryRecorder* ledger : ledgers)
    for (const auto& [key, skip] : ledger->skips)
      if (seen.emplace(skip.from, skip.to).second) skips.push_back(skip);
  return skips;
}

}  // namespace

void ReplicaBooks::violated(const std::string& what) {
  if (violation.empty()) violation = what;
}

void ReplicaBooks::write_begins(const std::string& who, const std::string& what) {
  const auto lease = api_.peek(kube::leases(), kControllerLease);
  const std::string holder = lease == nullptr ? "" : kube::lease_record(*lease).holder;
  if (holder != who) violated(who + " begins to " + what + ", but " + holder + " leads");
}

void ReplicaBooks::run_created(const kube::ObjectKey& key) {
  const auto run = api_.peek(config::spark_applications(), key);
  const auto slot = base::parse_rfc3339(
      base::string_at(*run, {"metadata", "annotations", config::kScheduledTimeAnnotation}));
  if (!slot) return violated(key.name + " does not know its slot");
  const bool by_hand =
      base::find(*run, {"metadata", "annotations", config::kManualRunAnnotation}) != nullptr;
  if (by_hand) word_is_open_ = false;
  if (!by_hand && *slot > floor<seconds>(clock_.now())) violated(key.name + " was created early");
  runs_[kube::uid_of(*run)] = {
      .name = key.name, .slot = floor<seconds>(*slot), .by_hand = by_hand, .drivers = 0};
}

void ReplicaBooks::driver_started(const std::string& run_uid, const std::string& policy,
                                  size_t others) {
  const auto run = runs_.find(run_uid);
  if (run == runs_.end()) return violated("a driver of an unknown run starts");
  if (++run->second.drivers > 1) violated("run " + run->second.name + " has had two drivers");
  if (++drivers_of_name_[run->second.name] > 1) violated(run->second.name + " ran twice");
  if (policy != "Allow" && others > 0) violated("two drivers are alive under " + policy);
}

void ReplicaBooks::balance(const json& schedule, Instant created, Instant until,
                           const std::vector<tests::MemoryRecorder*>& ledgers,
                           const std::string& policy) {
  const auto parsed = config::parse_schedule_spec(schedule, "UTC");
  const std::vector<runner::SkipRecord> skips = skips_of(ledgers);
  uint64_t starts = runs_by_hand(schedule, ledgers);
  uint64_t skip_count = 0;
  Instant slot = created;
  while (const auto next = parsed->spec.schedule->next(slot)) {
    if (*next > until) break;
    slot = *next;
    const bool ran = slot_has(slot, [](const Run& run) { return run.drivers > 0; });
    const bool had_run = slot_has(slot, [](const Run&) { return true; });
    const auto times = std::count_if(skips.begin(), skips.end(), [&](const auto& skip) {
      return skip.from <= slot && slot <= skip.to;
    });
    const std::string name = "slot " + base::format_rfc3339(slot);
    if (times > 1) violated(name + " was skipped twice");
    if (times > 0 && ran) violated(name + " was both started and skipped");
    if (times == 0 && !had_run) violated(name + " was lost");
    // Replace may stop a run before its driver starts.
    if (times == 0 && !ran && policy != "Replace")
      violated(name + " has a run whose driver never started");
    ++(times > 0 ? skip_count : starts);
  }
  expect(schedule, "started", starts);
  expect(schedule, "skipped", skip_count);
  expect(schedule, "active", 0);
  const auto succeeded = base::integer_at(schedule, {"status", "counts", "succeeded"});
  const auto failed = base::integer_at(schedule, {"status", "counts", "failed"});
  if (succeeded.value_or(0) + failed.value_or(0) != static_cast<int64_t>(starts))
    violated("not every run has an outcome");
}

// A wish that was replaced before it became a run may have had none; the last one has one. What
// came too late to be a run was never recorded.
uint64_t ReplicaBooks::runs_by_hand(const json& schedule,
                                    const std::vector<tests::MemoryRecorder*>& ledgers) {
  const std::string handled = base::string_at(schedule, {"status", "scheduling", "handledTrigger"});
  if (handled != last_trigger_)
    violated("the wish for a run \"" + last_trigger_ + "\" was lost after \"" + handled + "\"");
  std::map<std::string, std::string> recorded;  // name to UID
  for (const tests::MemoryRecorder* ledger : ledgers) {
    for (const auto& [uid, record] : ledger->runs) {
      if (!record.manual) continue;
      if (recorded.emplace(record.name, uid).first->second != uid)
        violated(record.name + " was recorded twice");
    }
  }
  for (const auto& [uid, run] : runs_)
    if (run.by_hand && run.drivers > 0 && !recorded.contains(run.name))
      violated(run.name + " ran and was not recorded");
  if (word_is_open_) violated("the last wish for a run was forgotten");
  if (words_ > 0 && recorded.size() > words_) violated("a run by hand was wished by nobody");
  return recorded.size();
}

bool ReplicaBooks::slot_has(Instant slot, bool (*what)(const Run&)) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& one) {
    return !one.second.by_hand && one.second.slot == slot && what(one.second);
  });
}

void ReplicaBooks::expect(const json& schedule, const char* name, uint64_t truth) {
  const auto said = base::integer_at(schedule, {"status", "counts", name}).value_or(-1);
  if (said != static_cast<int64_t>(truth))
    violated(std::string("counts.") + name + " is " + std::to_string(said) + ", but it was " +
             std::to_string(truth));
}

}  // namespace simulation
