#pragma once

// Fiber: work that runs only while it is told to, between two pauses of its own, so that two
// processes can be interleaved call by call and the same seed gives the same order. It is a thread
// that takes turns with whoever resumes it: never do both run.
//
// Threads: the owner's, and its own for the work.

#include <functional>
#include <semaphore>
#include <thread>

namespace simulation {

// The process ends here: nothing after the pause happens.
struct Killed {};

class Fiber {
 public:
  explicit Fiber(std::function<void(Fiber&)> work);
  ~Fiber();  // ends it at its pause, by Killed
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Lets it run to its next pause or its end.
  void resume();
  [[nodiscard]] bool ended() const { return ended_; }
  // On the fiber: gives the turn back until resume().
  void pause();

 private:
  std::binary_semaphore turn_{0};
  std::binary_semaphore back_{0};
  bool ended_ = false;
  bool killed_ = false;
  std::thread thread_;
};

}  // namespace simulation
