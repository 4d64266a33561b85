#pragma once

// Leader election over a Lease (coordination.k8s.io/v1), the decision as a pure function.
//
// Whether a lease has expired is judged by how long we ourselves have seen it unchanged, never by
// the other's time stamps: clocks differ, and ours may jump.
//
// Threads: pure functions.

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "kube/api.h"

namespace kube {

struct LeaseRecord {
  std::string holder;  // "" = free
  std::chrono::seconds duration{0};
  std::string acquire_time;  // RFC 3339
  std::string renew_time;
  int64_t transitions = 0;
  bool operator==(const LeaseRecord&) const = default;
};

LeaseRecord lease_record(const Json& lease);
void set_lease_record(Json& lease, const LeaseRecord& record);

struct LeaseTimes {
  std::chrono::seconds lease{15};  // others wait that long before they take over
  std::chrono::seconds renew{10};  // without a renewal for that long we stop leading
  std::chrono::seconds retry{2};   // between two looks
  // The longest that a call may take: after one that hangs there is time for another attempt.
  std::chrono::seconds call{3};
};

// What we know about the lease.
struct LeaseView {
  std::optional<LeaseRecord> record;  // nullopt: there is no Lease
  base::SteadyTime unchanged_since;   // since we first saw this record
};

enum class LeaseMove {
  Create,    // there is none: make it ours
  Renew,     // it is ours
  TakeOver,  // free or expired
  Wait,      // another's
};

LeaseMove decide_lease(base::SteadyTime now, const LeaseView& view, const std::string& self);

// The record to write for a move.
LeaseRecord next_lease(LeaseMove move, const LeaseView& view, const std::string& self,
                       const LeaseTimes& times, base::WallTime now);

}  // namespace kube
