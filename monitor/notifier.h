#pragma once

// Notifier: posts what people want to be told (notice.h) to one URL, as JSON that chat services
// such as Slack show as it is. It takes notices from the ledger, so nothing is lost with the
// process and no run ever waits for the receiver.
//
// A notice goes when the receiver answered 2xx: at least once. What it refuses, or does not answer
// within ten seconds, is posted again after 5, 10, 20 … at most 300 seconds, in order. After an
// hour it goes untold, and is counted: an alarm of the night before helps nobody, and the history
// has it. The URL may hold a secret: no message or log contains more of it than the host.
//
// Of several replicas only the one that leads posts; the others let go of what is older than a
// minute. Whoever takes over may so repeat the notices of the last minute; their ids are the same.
//
// Threads: one of its own; wake(), numbers() and condition() from any.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/mutex.h"
#include "base/result.h"
#include "monitor/ledger.h"

namespace monitor {

// Where notices go: "https://hooks.example.com/services/T0/B0/x".
struct NoticeUrl {
  std::string server;  // "https://hooks.example.com"
  std::string path;    // decoded
  std::vector<std::pair<std::string, std::string>> query;
};
// InvalidArgument says what an URL looks like, never what it was.
base::Result<NoticeUrl> parse_notice_url(const std::string& url);

struct NotifierOptions {
  NoticeUrl url;
  // May be empty: this process is the only one.
  std::function<bool()> leading;
  // What the annotations of the schedule, or of the application without one, say (is_wanted); must
  // not wait. May be empty: all is wanted.
  std::function<std::string(const Notice& notice)> wish;
};

struct NotifierNumbers {
  uint64_t posted = 0;    // and received
  uint64_t failures = 0;  // attempts
  uint64_t dropped = 0;   // untold, for they were too old
};

class Notifier {
 public:
  // What is passed in outlives it.
  static base::Result<std::unique_ptr<Notifier>> create(NotifierOptions options, Ledger& ledger,
                                                        base::Clock& clock);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // There may be something new: LedgerOptions::on_notice. Without it, it is found within a minute.
  void wake();
  [[nodiscard]] NotifierNumbers numbers() const;
  // How the last attempt ended.
  [[nodiscard]] base::Status condition() const;

 private:
  Notifier(NotifierOptions options, std::unique_ptr<base::http::Client> client, Ledger& ledger,
           base::Clock& clock);
  void run();
  // False when it is to end.
  bool wait(std::chrono::milliseconds at_most);
  // How long to wait until the next look, unless it is woken.
  std::chrono::milliseconds look();
  // nullopt: the notice is gone, and the next one's turn has come. Else how long to wait.
  std::optional<std::chrono::milliseconds> tell(const Notice& notice);
  base::Status post(const Notice& notice);

  const NotifierOptions options_;
  const std::unique_ptr<base::http::Client> client_;
  Ledger& ledger_;
  base::Clock& clock_;
  int failures_in_a_row_ = 0;  // of its own thread
  std::stop_source requests_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool woken_ GUARDED_BY(mutex_) = false;
  NotifierNumbers numbers_ GUARDED_BY(mutex_);
  base::Status last_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace monitor
