#pragma once

// Candidate: one replica's part in the election over a Lease, without a thread: it looks, decides
// (kube/lease.h) and writes when it is told to. LeaderElector tells it; simulations tell it, too.
//
// Threads: attempt() and release() from one; the rest from any.

#include <memory>
#include <string>

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

class Candidate {
 public:
  // The Api and the clock must outlive it.
  Candidate(Api& api, base::Clock& clock, ElectionOptions options);
  ~Candidate();
  Candidate(const Candidate&) = delete;
  Candidate& operator=(const Candidate&) = delete;

  // Reads the lease, and renews or takes it if it may. True: it is ours and fresh.
  bool attempt();
  // Gives a held lease back, so that another replica need not wait.
  void release();
  // No further attempt is made: what was held is given up here, though not there.
  void resign();

  // True only while the last renewal is fresh, whatever any thread is doing: a process that was
  // frozen for a minute does not believe that it still leads.
  [[nodiscard]] bool leading() const;
  struct View {
    std::string holder;       // as last read; "" = nobody's
    base::SteadyTime seen{};  // when the lease was last read or written; zero = never
  };
  [[nodiscard]] View view() const;
  [[nodiscard]] const ElectionOptions& options() const { return options_; }

 private:
  void observe(const Json& lease);
  base::Result<Json> write(const LeaseRecord& record);

  Api& api_;
  base::Clock& clock_;
  const ElectionOptions options_;
  LeaseView view_;
  std::unique_ptr<Json> lease_;

  mutable base::Mutex mutex_;
  bool elected_ GUARDED_BY(mutex_) = false;
  base::SteadyTime renewed_ GUARDED_BY(mutex_);
  View seen_ GUARDED_BY(mutex_);
};

}  // namespace kube
