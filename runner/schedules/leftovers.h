#pragma once

// leftovers: what deleted schedules of this name and deleted runs have left, and what is in the way
// of a start. Garbage collection takes it, or this does once that has had its time
// (kCollectorsTime).
//
// Threads: any.

#include <string>

#include "base/result.h"
#include "kube/api.h"
#include "runner/schedules/status.h"

namespace runner::schedules {

// A run of a deleted namesake, or a driver pod whose run is gone.
struct Leftover {
  const kube::ResourceType* type = nullptr;
  kube::ObjectKey key;
  std::string uid;
};

// What people are told while it is in the way.
Trouble waiting_for(const Leftover& leftover);

// Deletes it, by its UID, if the API itself says that all its owners are gone and nobody deletes it
// yet. False: it was left alone, for it is on its way or of somebody alive.
base::Result<bool> collect(kube::Api& api, const Leftover& leftover,
                           const std::string& schedule_uid);

}  // namespace runner::schedules
