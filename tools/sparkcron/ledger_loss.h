#pragma once

// LedgerLoss: what follows when the ledger has lost its file while in use: every schedule and
// application is looked at again, so that what exists is recorded anew, and an event says so.
//
// Threads: any. told() comes on the thread that found out: a worker of the controllers, or one that
// answers a request.

#include <string>

#include "base/mutex.h"
#include "kube/event_recorder.h"
#include "tools/sparkcron/controllers.h"

namespace sparkcron {

class LedgerLoss {
 public:
  // Until then nothing needs to follow: everything is recorded at the start. Outlives stop().
  void follow(Controllers& controllers);
  // Events regard this Node. Without, there are none: log, health and metrics tell.
  void say_by(kube::EventRecorder& events, std::string node);
  // Waits for a told() under way; nothing follows from then on.
  void stop();
  // `what` is a sentence for people.
  void told(const std::string& what);

 private:
  base::Mutex mutex_;
  Controllers* controllers_ GUARDED_BY(mutex_) = nullptr;
  kube::EventRecorder* events_ GUARDED_BY(mutex_) = nullptr;
  std::string node_ GUARDED_BY(mutex_);
};

}  // namespace sparkcron
