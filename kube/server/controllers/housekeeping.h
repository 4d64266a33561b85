#pragma once

// Housekeeping: what has to be done because time passes, on one thread, once a minute: events whose
// hour is over go, and so does the memory that a burst left behind. A namespace with too many
// events is seen to at once.
//
// Level-triggered: the ages of events follow from what is stored, so a restart loses nothing; what
// the disk refuses is tried again at the next round. Threads: one of its own; stop() from any.

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/server/controllers/event_ages.h"
#include "kube/server/storage/object_store.h"

namespace kube::server::controllers {

class Housekeeping {
 public:
  static constexpr std::chrono::seconds kEvery{60};
  static constexpr size_t kUnusedMemory = size_t{64} << 20;  // less of it is left where it is

  // Before the first write to the store: it listens to it.
  Housekeeping(storage::ObjectStore& store, base::Clock& clock, EventLimits limits);
  ~Housekeeping();
  void start();
  void stop();

 private:
  void run();
  bool wait();
  void note(const storage::Event& event) REQUIRES(mutex_);
  void note_stored();
  void expire_events();

  storage::ObjectStore& store_;
  base::Clock& clock_;
  base::SteadyTime next_;  // of its own thread

  base::Mutex mutex_;
  base::CondVar changed_;
  EventAges ages_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kube::server::controllers
