#include "tests/support/memory_recorder.h"

#include <algorithm>

namespace tests {
namespace {

template <class Result, class Act>
Result hooked(const MemoryRecorder& recorder, const std::string& call, Act act) {
  if (recorder.before)
    if (auto error = recorder.before(call)) return base::failure(*error);
  Result result = act();
  if (recorder.after)
    if (auto error = recorder.after(call)) return base::failure(*error);
  return result;
}

}  // namespace

base::Status MemoryRecorder::record_run(const runner::RunRecord& run) {
  return hooked<base::Status>(*this, "record_run", [&]() -> base::Status {
    const auto found = runs.find(run.uid);
    if (found == runs.end() || run.ended || !found->second.ended) runs[run.uid] = run;
    return {};
  });
}

base::Result<std::optional<runner::RunRecord>> MemoryRecorder::find_run(
    const std::string& schedule_uid, const std::string& name) {
  using Found = base::Result<std::optional<runner::RunRecord>>;
  return hooked<Found>(*this, "find_run", [&]() -> Found {
    std::optional<runner::RunRecord> latest;
    for (const auto& [uid, run] : runs)
      if (run.schedule_uid == schedule_uid && run.name == name &&
          (!latest || run.created >= latest->created))
        latest = run;
    return latest;
  });
}

base::Result<std::vector<runner::RunRecord>> MemoryRecorder::runs_after(
    const std::string& schedule_uid, base::WallTime slot) {
  using Found = base::Result<std::vector<runner::RunRecord>>;
  return hooked<Found>(*this, "runs_after", [&]() -> Found {
    std::vector<runner::RunRecord> found;
    for (const auto& [uid, run] : runs)
      if (run.schedule_uid == schedule_uid && !run.manual && run.slot && *run.slot > slot)
        found.push_back(run);
    std::sort(found.begin(), found.end(),
              [](const auto& left, const auto& right) { return *left.slot < *right.slot; });
    return found;
  });
}

base::Status MemoryRecorder::record_skip(const runner::SkipRecord& skip) {
  return hooked<base::Status>(*this, "record_skip", [&]() -> base::Status {
    skips.insert({{skip.schedule_uid, skip.from, skip.to}, skip});
    return {};
  });
}

base::Result<runner::RunCounts> MemoryRecorder::counts(const kube::ObjectKey&,
                                                       const std::string& schedule_uid,
                                                       const runner::RunCounts& floor) {
  runner::RunCounts counts;
  for (const auto& [uid, run] : runs) {
    if (run.schedule_uid != schedule_uid) continue;
    ++counts.started;
    if (run.ended) ++(run.state == "COMPLETED" ? counts.succeeded : counts.failed);
  }
  for (const auto& [key, skip] : skips)
    if (skip.schedule_uid == schedule_uid) counts.skipped += skip.count;
  return runner::RunCounts{.started = std::max(counts.started, floor.started),
                           .succeeded = std::max(counts.succeeded, floor.succeeded),
                           .failed = std::max(counts.failed, floor.failed),
                           .skipped = std::max(counts.skipped, floor.skipped)};
}

void MemoryEvents::record(const nlohmann::json&, kube::EventType type, std::string_view reason,
                          std::string_view, std::string_view note) {
  notes.push_back(std::string(type == kube::EventType::Normal ? "Normal " : "Warning ") +
                  std::string(reason) + ": " + std::string(note));
}

}  // namespace tests
