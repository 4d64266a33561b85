#include "tools/sparkcron/notices.h"

#include <utility>

#include "base/files.h"
#include "config/names.h"

namespace sparkcron {

using monitor::Reading;

namespace {

constexpr size_t kMaxUrl = 4'096;

base::Result<std::string> given_url(const std::string& option) {
  if (!option.starts_with('@')) return option;
  ASSIGN_OR_RETURN(std::string url, base::read_file(option.substr(1), kMaxUrl));
  url.erase(url.find_last_not_of(" \t\r\n") + 1);
  return url;
}

}  // namespace

base::Status NoticePost::open(const Options& options) {
  if (options.notify_url.empty()) return {};
  const auto text = given_url(options.notify_url);
  if (!text) return base::failure(text.error().with_context("--notify-url"));
  auto url = monitor::parse_notice_url(*text);
  if (!url) return base::failure(url.error().with_context("--notify-url"));
  url_ = *std::move(url);
  return {};
}

void NoticePost::follow(monitor::LedgerOptions& ledger) {
  if (!url_) return;
  ledger.notices = monitor::Notices::Kept;
  ledger.on_notice = [this] {
    base::MutexLock lock(mutex_);
    if (notifier_) notifier_->wake();
  };
}

base::Status NoticePost::start(monitor::Ledger& ledger, const Controllers& controllers,
                               std::function<bool()> leading, base::Clock& clock) {
  if (!url_) return {};
  monitor::NotifierOptions options{
      .url = *url_, .leading = std::move(leading), .wish = [&controllers](const auto& notice) {
        if (!notice.schedule.name.empty())
          return controllers.annotation(config::scheduled_spark_applications(), notice.schedule,
                                        config::kNotifyAnnotation);
        return controllers.annotation(config::spark_applications(),
                                      {.ns = notice.schedule.ns, .name = notice.run},
                                      config::kNotifyAnnotation);
      }};
  ASSIGN_OR_RETURN(auto notifier, monitor::Notifier::create(std::move(options), ledger, clock));
  base::MutexLock lock(mutex_);
  notifier_ = std::move(notifier);
  return {};
}

// Its thread asks the ledger, which may ring: not under the lock.
void NoticePost::stop() {
  std::unique_ptr<monitor::Notifier> ending;
  {
    base::MutexLock lock(mutex_);
    ending = std::move(notifier_);
  }
}

void NoticePost::add_check(monitor::Health& health) const {
  if (!url_) return;
  health.add("notices", monitor::HealthKind::Warning, [this]() -> base::Status {
    base::MutexLock lock(mutex_);
    return notifier_ ? notifier_->condition() : base::Status{};
  });
}

std::vector<Reading> NoticePost::readings() const {
  base::MutexLock lock(mutex_);
  if (!notifier_) return {};
  const monitor::NotifierNumbers numbers = notifier_->numbers();
  return {{.name = "sparkcron_notices_posted_total",
           .help = "Failures, recoveries and missed slots that the receiver has taken",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.posted)},
          {.name = "sparkcron_notice_failures_total",
           .help = "Attempts to post a notice that failed; each is tried again",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.failures)},
          {.name = "sparkcron_notices_dropped_total",
           .help = "Notices that nobody received in an hour",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.dropped)}};
}

}  // namespace sparkcron
