#include "scheduler/retention.h"

#include <algorithm>
#include <tuple>

namespace scheduler {
namespace {

// Newest first by what the run stands for: its slot, or when it was started by hand.
class Newer {
 public:
  explicit Newer(Instant now) : now_(now) {}
  bool operator()(const ObservedRun& a, const ObservedRun& b) const { return key(a) > key(b); }

 private:
  [[nodiscard]] std::tuple<bool, base::WallTime, std::string, std::string> key(
      const ObservedRun& run) const {
    const base::WallTime time = run.slot ? base::WallTime{*run.slot} : run.created;
    return {time <= now_ + kClockBelieved, time, run.name, run.uid};
  }
  Instant now_;
};

void surplus(const std::vector<ObservedRun>& runs, RunPhase phase, size_t keep, const Newer& newer,
             std::vector<ObservedRun>& out) {
  std::vector<ObservedRun> ended;
  for (const ObservedRun& run : runs)
    if (run.phase == phase && !run.gone && !run.stopping) ended.push_back(run);
  std::sort(ended.begin(), ended.end(), newer);
  for (size_t i = keep; i < ended.size(); ++i)
    if (!ended[i].driver_alive) out.push_back(ended[i]);
}

}  // namespace

std::vector<DeleteRun> retention(const Policy& policy, const std::vector<ObservedRun>& runs,
                                 Instant now) {
  const Newer newer(now);
  std::vector<ObservedRun> out;
  surplus(runs, RunPhase::Succeeded, policy.keep_succeeded, newer, out);
  surplus(runs, RunPhase::Failed, policy.keep_failed, newer, out);
  std::sort(out.begin(), out.end(),
            [&](const ObservedRun& a, const ObservedRun& b) { return newer(b, a); });
  std::vector<DeleteRun> actions;
  actions.reserve(out.size());
  for (const ObservedRun& run : out)
    actions.push_back({.name = run.name, .uid = run.uid});
  return actions;
}

}  // namespace scheduler
