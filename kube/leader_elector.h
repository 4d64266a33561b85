#pragma once

// LeaderElector: the thread around kube/lease.h. At most one of several replicas leads; a leader
// that cannot renew stops leading before another may start.
//
// A request that hangs must not outlast the renewal deadline: give it an Api whose client times out
// after a few seconds. Threads: leading() from any thread; callbacks run on the elector's thread.

#include <functional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/lease.h"

namespace kube {

struct ElectionOptions {
  ObjectKey lease;
  std::string identity;  // unique per replica
  LeaseTimes times;
};

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
  // True only while the last renewal is fresh, whatever the thread is doing: a process that was
  // frozen for a minute does not believe that it still leads.
  [[nodiscard]] bool leading() const;

 private:
  void run();
  bool attempt();
  void observe(const Json& lease);
  base::Result<Json> write(const LeaseRecord& record);
  void release();
  [[nodiscard]] bool sleep();  // false when stopping

  Api& api_;
  base::Clock& clock_;
  const ElectionOptions options_;
  const Callbacks callbacks_;
  // The thread's own.
  LeaseView view_;
  std::unique_ptr<Json> lease_;
  bool told_ = false;  // on_elected was called

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool elected_ GUARDED_BY(mutex_) = false;
  base::SteadyTime renewed_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace kube
