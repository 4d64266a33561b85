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

constexpr uint64_t runner::RunCounts::* kMembers[] = {
    &runner::RunCounts::started, &runner::RunCounts::succeeded, &runner::RunCounts::failed,
    &runner::RunCounts::skipped};

runner::RunCounts outcome_of(const runner::RunRecord& run) {
  runner::RunCounts counts;
  ++(run.state == "COMPLETED" ? counts.succeeded : counts.failed);
  return counts;
}

}  // namespace

base::Status MemoryRecorder::record_run(const runner::RunRecord& run) {
  return hooked<base::Status>(*this, "record_run", [&]() -> base::Status {
    const auto found = runs.find(run.uid);
    const bool known = found != runs.end();
    const bool had_ended = known && found->second.ended;
    if (!known) count(run.schedule_uid, {.started = 1}, run.created);
    if (!had_ended && run.ended) count(run.schedule_uid, outcome_of(run), *run.ended);
    if (run.ended || (!had_ended && (!known || !run.state.empty()))) runs[run.uid] = run;
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
    if (skips.insert({{skip.schedule_uid, skip.from, skip.to}, skip}).second)
      count(skip.schedule_uid, {.skipped = skip.count}, skip.to);
    return {};
  });
}

// As monitor::LedgerWriter does: what a status told before pays for what is recorded later. What is
// from after now is of a clock that was wrong, and from before.
void MemoryRecorder::count(const std::string& schedule_uid, runner::RunCounts more,
                           base::WallTime when) {
  Book& book = books_[schedule_uid];
  const auto add = [&](uint64_t runner::RunCounts::* member) {
    const bool is_old = book.at >= when || (clock != nullptr && when > clock->now());
    const uint64_t paid = is_old ? std::min(book.owed.*member, more.*member) : 0;
    book.owed.*member -= paid;
    book.counts.*member += more.*member - paid;
  };
  for (auto member : kMembers)
    add(member);
}

base::Result<runner::RunCounts> MemoryRecorder::counts(const kube::ObjectKey&,
                                                       const std::string& schedule_uid,
                                                       const runner::RunCounts& floor,
                                                       const std::string& trigger) {
  Book& book = books_[schedule_uid];
  book.trigger = trigger;
  for (auto member : kMembers) {
    if (floor.*member <= book.counts.*member) continue;
    book.owed.*member += floor.*member - book.counts.*member;
    book.counts.*member = floor.*member;
    if (clock != nullptr) book.at = std::max(book.at, clock->now());
  }
  return book.counts;
}

base::Status MemoryRecorder::handled(const std::string& schedule_uid, const std::string& trigger) {
  return hooked<base::Status>(*this, "handled", [&]() -> base::Status {
    books_[schedule_uid].trigger = trigger;
    return {};
  });
}

base::Result<std::optional<runner::Remembered>> MemoryRecorder::remembered(
    const std::string& schedule_uid, std::chrono::sys_seconds until) {
  const auto book = books_.find(schedule_uid);
  if (book == books_.end() || !book->second.trigger) return std::optional<runner::Remembered>();
  runner::Remembered memory{.counts = book->second.counts,
                            .trigger = *book->second.trigger,
                            .latest = {},
                            .unfinished = {}};
  const auto reach = [&](std::chrono::sys_seconds slot) {
    if (slot <= until && (!memory.latest || slot > *memory.latest)) memory.latest = slot;
  };
  for (const auto& [uid, run] : runs) {
    if (run.schedule_uid != schedule_uid) continue;
    if (!run.ended) memory.unfinished.push_back(run);
    if (run.slot && !run.manual) reach(std::chrono::floor<std::chrono::seconds>(*run.slot));
  }
  for (const auto& [key, skip] : skips)
    if (skip.schedule_uid == schedule_uid) reach(skip.to);
  return std::optional(std::move(memory));
}

bool MemoryRecorder::knows(const std::string& schedule_uid) const {
  const auto book = books_.find(schedule_uid);
  return book != books_.end() && book->second.trigger;
}

void MemoryRecorder::lose() {
  runs.clear();
  skips.clear();
  books_.clear();
}

void MemoryEvents::record(const nlohmann::json&, kube::EventType type, std::string_view reason,
                          std::string_view, std::string_view note) {
  notes.push_back(std::string(type == kube::EventType::Normal ? "Normal " : "Warning ") +
                  std::string(reason) + ": " + std::string(note));
}

}  // namespace tests
