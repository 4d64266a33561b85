#include "scheduler/retention.h"

#include <algorithm>
#include <tuple>

namespace scheduler {
namespace {

// Newest first by what the run stands for: its slot, or when it was started by hand.
bool newer(const ObservedRun& a, const ObservedRun& b) {
  const auto key = [](const ObservedRun& run) {
    return std::tuple(run.slot ? base::WallTime{*run.slot} : run.created, run.name, run.uid);
  };
  return key(a) > key(b);
}

void surplus(const std::vector<ObservedRun>& runs, RunPhase phase, size_t keep,
             std::vector<ObservedRun>& out) {
  std::vector<ObservedRun> ended;
  for (const ObservedRun& run : runs)
    if (run.phase == phase && !run.gone && !run.stopping) ended.push_back(run);
  std::sort(ended.begin(), ended.end(), newer);
  for (size_t i = keep; i < ended.size(); ++i)
    if (!ended[i].driver_alive) out.push_back(ended[i]);
}

}  // namespace

std::vector<DeleteRun> retention(const Policy& policy, const std::vector<ObservedRun>& runs) {
  std::vector<ObservedRun> out;
  surplus(runs, RunPhase::Succeeded, policy.keep_succeeded, out);
  surplus(runs, RunPhase::Failed, policy.keep_failed, out);
  std::sort(out.begin(), out.end(),
            [](const ObservedRun& a, const ObservedRun& b) { return newer(b, a); });
  std::vector<DeleteRun> actions;
  actions.reserve(out.size());
  for (const ObservedRun& run : out)
    actions.push_back({.name = run.name, .uid = run.uid});
  return actions;
}

}  // namespace scheduler
