#include "kube/server/storage/pace.h"

#include <utility>

#include "base/guard.h"
#include "base/log.h"

namespace kube::server::storage {

std::shared_ptr<const std::string> Pace::hold(std::shared_ptr<const std::string> text) {
  const std::string* const raw = text.get();
  const size_t bytes = raw->size();
  {
    const base::MutexLock lock(mutex_);
    held_ += bytes;
  }
  // The deleter is called even if there is no memory for it.
  return {raw, [self = shared_from_this(), text = std::move(text),
                bytes](const std::string*) noexcept { self->release(bytes); }};
}

bool Pace::has_room() {
  const base::MutexLock lock(mutex_);
  waiting_ = held_ >= limit_;
  return !waiting_;
}

void Pace::leave() {
  const base::MutexLock lock(mutex_);
  room_ = nullptr;
}

void Pace::release(size_t bytes) {
  const base::MutexLock lock(mutex_);
  held_ -= bytes;
  if (!waiting_ || held_ > limit_ / 2 || !room_) return;
  // Not told for lack of memory: the next text that goes tells it, or the watch ends at its time.
  waiting_ = !base::guarded("watch", room_);
}

}  // namespace kube::server::storage
