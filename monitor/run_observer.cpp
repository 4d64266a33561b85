#include "monitor/run_observer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/run_record.h"
#include "scheduler/run_name.h"

namespace monitor {
namespace {

using base::Status;
using base::string_at;
using kube::Json;

std::optional<base::WallTime> time_at(const Json& entry, const char* field) {
  const auto time = base::parse_rfc3339(string_at(entry, {field}));
  if (!time) return std::nullopt;
  return base::WallTime(*time);
}

// A run as the status of its schedule tells it; nullopt for one that goes on.
std::optional<runner::RunRecord> ended_run(const Json& schedule, const Json& entry) {
  const std::string outcome = string_at(entry, {"outcome"});
  const auto ended = time_at(entry, "ended");
  const auto started = time_at(entry, "started");
  if (!ended || !started || (outcome != "Succeeded" && outcome != "Failed")) return std::nullopt;
  runner::RunRecord run;
  run.schedule = kube::key_of(schedule);
  run.schedule_uid = kube::uid_of(schedule);
  run.name = string_at(entry, {"name"});
  run.created = *started;
  run.ended = ended;
  run.state = outcome == "Succeeded" ? "COMPLETED" : "FAILED";
  run.message = string_at(entry, {"reason"});
  run.slot = time_at(entry, "slot");
  // One by hand stands where it was asked for.
  run.manual = !run.slot ||
               run.name != scheduler::run_name(run.schedule.name,
                                               std::chrono::floor<std::chrono::seconds>(*run.slot));
  return run;
}

std::optional<runner::SkipRecord> skipped(const Json& schedule, const Json& entry) {
  const auto from = time_at(entry, "slot");
  if (!from || string_at(entry, {"outcome"}) != "Skipped") return std::nullopt;
  const auto count = base::integer_at(entry, {"count"}).value_or(1);
  return runner::SkipRecord{
      .schedule = kube::key_of(schedule),
      .schedule_uid = kube::uid_of(schedule),
      .from = std::chrono::floor<std::chrono::seconds>(*from),
      .to = std::chrono::floor<std::chrono::seconds>(time_at(entry, "until").value_or(*from)),
      .count = static_cast<uint64_t>(std::max<int64_t>(count, 1)),
      .reason = string_at(entry, {"reason"})};
}

}  // namespace

void RunObserver::seen(const Json& run) {
  kube::ObjectKey key = kube::key_of(run);
  const auto current = cache_.get(config::spark_applications(), key);
  if (current != nullptr && kube::uid_of(*current) == kube::uid_of(run)) return;
  auto last = std::make_shared<const Json>(run);
  base::MutexLock lock(mutex_);
  // A disk that takes nothing for that long: the schedules' status knows the newest of them.
  if (gone_.size() >= kMaxGone) gone_.erase(gone_.begin());
  gone_.emplace(std::move(key), std::move(last));
}

void RunObserver::look_again() {
  base::MutexLock lock(mutex_);
  recorded_.clear();
}

size_t RunObserver::waiting() const {
  base::MutexLock lock(mutex_);
  return gone_.size();
}

base::Result<kube::Reconciled> RunObserver::reconcile(const kube::ObjectKey& key) {
  RETURN_IF_ERROR(record_gone(key));
  if (const auto run = cache_.get(config::spark_applications(), key))
    RETURN_IF_ERROR(record_run(*run));
  if (const auto schedule = cache_.get(config::scheduled_spark_applications(), key))
    RETURN_IF_ERROR(record_schedule(*schedule));
  return kube::Reconciled{};
}

Status RunObserver::record_gone(const kube::ObjectKey& key) {
  std::vector<std::shared_ptr<const Json>> runs;
  {
    base::MutexLock lock(mutex_);
    const auto [begin, end] = gone_.equal_range(key);
    for (auto one = begin; one != end; ++one)
      runs.push_back(one->second);
  }
  for (const auto& run : runs) {
    RETURN_IF_ERROR(record_run(*run));
    base::MutexLock lock(mutex_);
    const auto [begin, end] = gone_.equal_range(key);
    const auto found = std::find_if(begin, end, [&](const auto& one) { return one.second == run; });
    if (found != end) gone_.erase(found);
  }
  return {};
}

Status RunObserver::record_run(const Json& run) {
  const runner::RunRecord record = runner::run_record(run);
  // As the application controller has it: one of its own counts from its first submission.
  if (record.state.empty() && record.schedule.name.empty()) return {};
  return ledger_.record_run(record);
}

Status RunObserver::record_schedule(const Json& schedule) {
  const Json* entries = base::find(schedule, {"status", "recentRuns"});
  if (entries == nullptr || !entries->is_array()) return {};
  std::set<std::string> known;
  {
    base::MutexLock lock(mutex_);
    if (const auto found = recorded_.find(kube::uid_of(schedule)); found != recorded_.end())
      known = found->second;
  }
  std::set<std::string> recorded;
  for (const Json& entry : *entries) {
    const std::string text = base::dump_json(entry);
    if (!known.contains(text)) RETURN_IF_ERROR(record_entry(schedule, entry));
    recorded.insert(text);
  }
  base::MutexLock lock(mutex_);
  if (recorded_.size() >= kMaxSchedules) recorded_.clear();
  recorded_[kube::uid_of(schedule)] = std::move(recorded);
  return {};
}

Status RunObserver::record_entry(const Json& schedule, const Json& entry) {
  if (const auto skip = skipped(schedule, entry)) return ledger_.record_skip(*skip);
  const auto run = ended_run(schedule, entry);
  if (!run || run->name.empty()) return {};
  // One that is still there tells for itself, and more.
  const auto object = cache_.get(config::spark_applications(), {run->schedule.ns, run->name});
  if (object != nullptr && kube::is_owned_by(*object, run->schedule_uid)) return {};
  return ledger_.seed_run(*run);
}

}  // namespace monitor
