#include "runner/schedules/memory.h"

namespace runner::schedules {

ScheduleMemory::Entry ScheduleMemory::of(const kube::ObjectKey& key) const {
  base::MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? Entry{} : found->second;
}

void ScheduleMemory::forget(const kube::ObjectKey& key) {
  base::MutexLock lock(mutex_);
  entries_.erase(key);
}

size_t ScheduleMemory::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace runner::schedules
