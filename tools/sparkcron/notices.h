#pragma once

// NoticePost: the Notifier of --notify-url, if that was given, and what is said of it.
//
// The ledger is opened first and rings whenever it has something to tell, so the post is there
// before it, and start() comes when all that it asks is there.
//
// Threads: ring() and the readings from any; start() and stop() from one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "monitor/health.h"
#include "monitor/ledger.h"
#include "monitor/metrics.h"
#include "monitor/notifier.h"
#include "tools/sparkcron/controllers.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

class NoticePost {
 public:
  // Reads the file that the option names. InvalidArgument never repeats an URL.
  base::Status open(const Options& options);
  // What the ledger is to do; before it is opened.
  void follow(monitor::LedgerOptions& ledger);
  // `leading` may be empty. All outlives stop().
  base::Status start(monitor::Ledger& ledger, const Controllers& controllers,
                     std::function<bool()> leading, base::Clock& clock);
  // After the controllers have stopped: nothing rings any more.
  void stop();
  void add_check(monitor::Health& health) const;
  [[nodiscard]] std::vector<monitor::Reading> readings() const;

 private:
  std::optional<monitor::NoticeUrl> url_;
  mutable base::Mutex mutex_;
  std::unique_ptr<monitor::Notifier> notifier_ GUARDED_BY(mutex_);
};

}  // namespace sparkcron
