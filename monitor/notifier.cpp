#include "monitor/notifier.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/log.h"

namespace monitor {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr size_t kAtOnce = 100;
constexpr seconds kAnswer{10};
constexpr seconds kInterval{60};
constexpr seconds kFirstRetry{5};
constexpr seconds kLastRetry{300};
constexpr std::chrono::minutes kOfStandby{1};
// What the receiver says is not ours to keep.
constexpr size_t kMaxAnswer = size_t{64} << 10;

seconds retry_after(int failures) {
  return std::min(kLastRetry, kFirstRetry * (1 << std::min(failures - 1, 6)));
}

tl::unexpected<base::Error> bad_url() {
  return failure(Code::InvalidArgument,
                 "not an http or https URL such as https://hooks.example.com/services/x");
}

}  // namespace

Result<NoticeUrl> parse_notice_url(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return bad_url();
  const std::string_view name = std::string_view(url).substr(0, scheme);
  if (name != "https" && name != "http") return bad_url();
  const size_t host = scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", host), url.size());
  const std::string_view authority = std::string_view(url).substr(host, end - host);
  const auto unfit = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (authority.empty() || std::any_of(url.begin(), url.end(), unfit)) return bad_url();
  if (authority.find('@') != std::string_view::npos)
    return failure(Code::InvalidArgument, "names and passwords do not belong into the URL");
  std::string rest = url.substr(end);
  if (rest.empty() || rest[0] != '/') rest.insert(0, "/");
  auto target = base::http::parse_target(rest);
  if (!target) return bad_url();
  return NoticeUrl{.server = url.substr(0, end),
                   .path = std::move(target->path),
                   .query = std::move(target->query)};
}

Result<std::unique_ptr<Notifier>> Notifier::create(NotifierOptions options, Ledger& ledger,
                                                   base::Clock& clock) {
  ASSIGN_OR_RETURN(auto client, base::http::Client::create({.base_url = options.url.server,
                                                            .connect_timeout = kAnswer,
                                                            .request_timeout = kAnswer,
                                                            .max_response = kMaxAnswer}));
  return std::unique_ptr<Notifier>(
      new Notifier(std::move(options), std::move(client), ledger, clock));
}

Notifier::Notifier(NotifierOptions options, std::unique_ptr<base::http::Client> client,
                   Ledger& ledger, base::Clock& clock)
    : options_(std::move(options)),
      client_(std::move(client)),
      ledger_(ledger),
      clock_(clock),
      thread_(base::start_thread("notifier", [this] { run(); })) {}

Notifier::~Notifier() {
  requests_.request_stop();
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Notifier::wake() {
  base::MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

NotifierNumbers Notifier::numbers() const {
  base::MutexLock lock(mutex_);
  return numbers_;
}

Status Notifier::condition() const {
  base::MutexLock lock(mutex_);
  return last_;
}

bool Notifier::wait(milliseconds at_most) {
  const base::SteadyTime until = clock_.steady_now() + at_most;
  base::MutexLock lock(mutex_);
  // A receiver that failed is left alone for its time, whatever else happens.
  const bool hurry = failures_in_a_row_ == 0;
  while (!stopping_ && !(hurry && woken_) && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
  woken_ = false;
  return !stopping_;
}

void Notifier::run() {
  milliseconds pause{0};  // what was left by an earlier process
  while (wait(pause))
    pause = look();
}

milliseconds Notifier::look() {
  if (options_.leading && !options_.leading()) {
    // How it ended is in the ledger's condition.
    (void)ledger_.drop_notices_before(clock_.now() - kOfStandby);
    return kInterval;
  }
  const auto notices = ledger_.notices(kAtOnce);
  if (!notices) return kInterval;
  for (const Notice& notice : *notices) {
    if (const auto pause = tell(notice)) return *pause;
  }
  return notices->size() < kAtOnce ? milliseconds{kInterval} : milliseconds{0};
}

// A crash after the answer and before the notice is dropped posts it again, with the same id.
std::optional<milliseconds> Notifier::tell(const Notice& notice) {
  const bool too_old = notice.at + kNewsworthy < clock_.now();
  const bool wanted = !options_.wish || is_wanted(options_.wish(notice), notice.kind);
  Status posted;
  if (!too_old && wanted) posted = post(notice);
  {
    base::MutexLock lock(mutex_);
    if (!posted) {
      ++numbers_.failures;
      last_ = posted;
    } else if (too_old) {
      ++numbers_.dropped;
    } else if (wanted) {
      ++numbers_.posted;
      last_ = {};
    }
  }
  if (!posted) {
    ++failures_in_a_row_;
    if (failures_in_a_row_ == 1)
      base::log_warning("notifier", "A notice could not be posted and is tried again",
                        {{"error", posted.error().message}});
    return retry_after(failures_in_a_row_);
  }
  if (too_old)
    base::log_warning("notifier", "A notice was not received in an hour and is given up",
                      {{"notice", sentence_of(notice)}});
  else
    failures_in_a_row_ = 0;
  // What cannot be dropped would be posted for ever.
  if (!ledger_.drop_notice(notice.id)) return kInterval;
  return std::nullopt;
}

Status Notifier::post(const Notice& notice) {
  // A driver's last words may be any bytes.
  std::string body = to_json(notice).dump(-1, ' ', false, json::error_handler_t::replace);
  const auto answer = client_->send({.method = "POST",
                                     .path = options_.url.path,
                                     .query = options_.url.query,
                                     .headers = {{"Content-Type", "application/json"}},
                                     .body = std::move(body),
                                     .peer = {}},
                                    requests_.get_token());
  if (!answer)
    return failure(answer.error().code, options_.url.server + ": " + answer.error().message);
  if (answer->status / 100 == 2) return {};
  return failure(Code::Unavailable,
                 options_.url.server + " answered " + std::to_string(answer->status));
}

}  // namespace monitor
