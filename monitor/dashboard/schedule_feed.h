#pragma once

// ScheduleFeed: all schedules that a person may see, and what becomes of them, as one stream of
// lines of JSON, from the caches that the controllers keep anyway: fifty open pages cost the API
// server nothing, and a person of three namespaces needs one connection, not three watches.
//
//   {"type": "LIST", "items": [schedule, …]}                    first
//   {"type": "MODIFIED" or "DELETED", "object": schedule}       a new one is MODIFIED, too
//   {"type": "ALIVE"}                                           twice a minute
//
// A stream ends after five minutes and is asked for again: a right that was taken away is noticed
// then. It also ends when schedules come to a namespace that nobody was asked about for its
// person. A page that reads too slowly is cut off by the server, as at a watch.
//
// Threads: any; one of its own, from follow() on.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/packed_object.h"
#include "kube/reconciler.h"
#include "monitor/dashboard/visitors.h"

namespace monitor::dashboard {

struct ScheduleFeedOptions {
  size_t max_streams = 200;
  std::chrono::milliseconds life{300'000};
  std::chrono::milliseconds sign{30'000};
};

class ScheduleFeed {
 public:
  explicit ScheduleFeed(base::Clock& clock, ScheduleFeedOptions options = {});
  ~ScheduleFeed();  // as stop()
  ScheduleFeed(const ScheduleFeed&) = delete;
  ScheduleFeed& operator=(const ScheduleFeed&) = delete;

  // There is something to tell as soon as `ready` says that the cache shows what the API has: half
  // filled it would lie. Both must outlive stop().
  void follow(const kube::Cache& cache, std::function<bool()> ready);
  // Ends all streams; nothing is told any more.
  void stop();

  // Something about this schedule has changed, and the cache shows it. Does not block.
  void changed(const kube::PackedObject& schedule);
  // Where there are schedules. Unavailable until they have been read, as open().
  [[nodiscard]] base::Result<std::vector<std::string>> namespaces() const;
  // Answers. ResourceExhausted when too many are open.
  base::Status open(base::http::Responder& responder, Scope scope);
  [[nodiscard]] size_t streams() const;

 private:
  struct Reader {
    std::shared_ptr<base::http::Stream> stream;
    Scope scope;
    base::SteadyTime until;
  };
  void run();
  void tend() REQUIRES(mutex_);
  [[nodiscard]] base::Status check_ready() const REQUIRES(mutex_);

  base::Clock& clock_;
  const ScheduleFeedOptions options_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  const kube::Cache* cache_ GUARDED_BY(mutex_) = nullptr;
  std::function<bool()> ready_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<Reader> readers_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace monitor::dashboard
