#include "kube/lease.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace kube {

LeaseRecord lease_record(const Json& lease) {
  return {.holder = base::string_at(lease, {"spec", "holderIdentity"}),
          .duration =
              std::chrono::seconds{
                  base::integer_at(lease, {"spec", "leaseDurationSeconds"}).value_or(0)},
          .acquire_time = base::string_at(lease, {"spec", "acquireTime"}),
          .renew_time = base::string_at(lease, {"spec", "renewTime"}),
          .transitions = base::integer_at(lease, {"spec", "leaseTransitions"}).value_or(0)};
}

void set_lease_record(Json& lease, const LeaseRecord& record) {
  lease["spec"] = {{"holderIdentity", record.holder},
                   {"leaseDurationSeconds", record.duration.count()},
                   {"acquireTime", record.acquire_time},
                   {"renewTime", record.renew_time},
                   {"leaseTransitions", record.transitions}};
}

LeaseMove decide_lease(base::SteadyTime now, const LeaseView& view, const std::string& self) {
  if (!view.record) return LeaseMove::Create;
  if (view.record->holder == self) return LeaseMove::Renew;
  if (view.record->holder.empty()) return LeaseMove::TakeOver;
  return now - view.unchanged_since > view.record->duration ? LeaseMove::TakeOver : LeaseMove::Wait;
}

LeaseRecord next_lease(LeaseMove move, const LeaseView& view, const std::string& self,
                       const LeaseTimes& times, base::WallTime now) {
  const std::string stamp = base::format_rfc3339_micro(now);
  LeaseRecord next = view.record.value_or(LeaseRecord{});
  if (move != LeaseMove::Renew) {
    next.acquire_time = stamp;
    // The very first holder is no change of hands.
    if (move == LeaseMove::TakeOver) ++next.transitions;
  }
  next.holder = self;
  next.duration = times.lease;
  next.renew_time = stamp;
  return next;
}

}  // namespace kube
