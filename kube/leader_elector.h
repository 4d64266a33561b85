#pragma once

// LeaderElector: the thread around a Candidate. At most one of several replicas leads; a leader
// that cannot renew stops leading before another may start.
//
// A request that hangs must not outlast the renewal deadline: give it an Api whose client gives up
// after LeaseTimes::call. Threads: leading() and view() from any thread; callbacks run on the
// elector's thread.

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/candidate.h"

namespace kube {

class LeaderElector {
 public:
  struct Callbacks {
    std::function<void()> on_elected;
    // Once; the elector ends with it. Whoever led must stop at once, usually by ending the process.
    std::function<void()> on_lost;
  };

  LeaderElector(Api& api, base::Clock& clock, ElectionOptions options, Callbacks callbacks);
  ~LeaderElector();  // as stop()
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  void start();
  // Joins, and gives a held lease back so that another replica need not wait. Call it after the
  // work has stopped.
  void stop();
  // True only while the last renewal is fresh: see Candidate.
  [[nodiscard]] bool leading() const { return candidate_.leading(); }
  // Who holds the lease, and when that was last seen.
  [[nodiscard]] Candidate::View view() const { return candidate_.view(); }

 private:
  void run();
  [[nodiscard]] bool sleep();  // false when stopping

  base::Clock& clock_;
  const Callbacks callbacks_;
  Candidate candidate_;
  bool told_ = false;  // the thread's own: on_elected was called

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kube
