#pragma once

// LedgerLoss: what follows when the ledger has lost its file: every schedule and application is
// looked at again, so that what exists is recorded anew, and an event says so.
//
// Threads: any. told() comes on the thread that found out: the main one at the start, later a
// worker of the controllers, or one that answers a request.

#include <string>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "kube/event_recorder.h"
#include "tools/sparkcron/controllers.h"

namespace sparkcron {

class LedgerLoss {
 public:
  // Until then nothing needs to follow: everything is recorded at the start. Outlives stop().
  void follow(Controllers& controllers);
  // Events regard this object (apiVersion, kind and metadata); also one of what was told before,
  // while the ledger was opened.
  void say_by(kube::EventRecorder& events, nlohmann::json regarding);
  // Waits for a told() under way; nothing follows from then on.
  void stop();
  // `what` is a sentence for people.
  void told(const std::string& what);

 private:
  void say(const std::string& what) REQUIRES(mutex_);

  base::Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  Controllers* controllers_ GUARDED_BY(mutex_) = nullptr;
  kube::EventRecorder* events_ GUARDED_BY(mutex_) = nullptr;
  nlohmann::json regarding_ GUARDED_BY(mutex_);
  std::string unsaid_ GUARDED_BY(mutex_);  // while there is nobody to say it by; the last
};

}  // namespace sparkcron
