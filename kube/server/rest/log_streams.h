#pragma once

// LogStreams: carries the bytes of pods/log, and of lists too long for one answer, from a LogReader
// to the client, each on a thread of its own, because a reader that follows may block for hours. A
// client that reads slowly slows its reader down: at most a few chunks wait unsent, however long
// the log is. One that takes no chunk for kStall, or has not read all in the time that it has, is
// given up, and what carried its bytes is free for others.
//
// Errors: ResourceExhausted when kMaxStreams are open already. Threads: any; stop() ends all.

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/log_source.h"

namespace kube::server::rest {

class LogStreams {
 public:
  static constexpr size_t kMaxStreams = 256;
  static constexpr size_t kMaxFollows = 192;  // of these
  static constexpr std::chrono::seconds kStall{60};

  // `source` may be null: then no pod has a log.
  LogStreams(kube::LogSource* source, base::Clock& clock) : source_(source), clock_(clock) {}
  ~LogStreams();
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                      const std::string& uid,
                                                      const kube::LogOptions& options) const;
  enum class Lasts { Shortly, Follows };
  struct Sending {
    std::string content_type = "text/plain";
    std::chrono::seconds at_most = std::chrono::seconds::max();  // from here to the last chunk
    Lasts lasts = Lasts::Shortly;
  };
  void send(std::unique_ptr<kube::LogReader> reader,
            std::shared_ptr<base::http::Responder> responder, const Sending& sending);
  void stop();

 private:
  struct Session;
  void join_finished() REQUIRES(mutex_);

  kube::LogSource* const source_;
  base::Clock& clock_;
  base::Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::list<std::shared_ptr<Session>> sessions_ GUARDED_BY(mutex_);
};

}  // namespace kube::server::rest
