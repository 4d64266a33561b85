#pragma once

// Pace: counts the bytes of one watch's past that were handed out and are not sent yet. A text
// counts until the last who holds it lets go; who was told that there is no room hears when half of
// it is free again.
//
// Threads: any. `room` is called on the thread that lets go of a text, never after leave().

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"

namespace kube::server::storage {

class Pace : public std::enable_shared_from_this<Pace> {
 public:
  Pace(size_t limit, std::function<void()> room) : limit_(limit), room_(std::move(room)) {}

  std::shared_ptr<const std::string> hold(std::shared_ptr<const std::string> text);
  // False: `room` is called once there is.
  [[nodiscard]] bool has_room();
  // Nobody waits for room any more. Returns when no call of `room` is under way.
  void leave();

 private:
  void release(size_t bytes);

  const size_t limit_;
  base::Mutex mutex_;
  std::function<void()> room_ GUARDED_BY(mutex_);
  size_t held_ GUARDED_BY(mutex_) = 0;
  bool waiting_ GUARDED_BY(mutex_) = false;
};

}  // namespace kube::server::storage
