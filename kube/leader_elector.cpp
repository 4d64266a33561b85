#include "kube/leader_elector.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/guard.h"
#include "base/log.h"

namespace kube {

LeaderElector::LeaderElector(Api& api, base::Clock& clock, ElectionOptions options,
                             Callbacks callbacks)
    : api_(api), clock_(clock), options_(std::move(options)), callbacks_(std::move(callbacks)) {}

LeaderElector::~LeaderElector() {
  stop();
}

void LeaderElector::start() {
  CHECK(!thread_.joinable());
  thread_ = base::start_thread("leader-elector", [this] { run(); });
}

void LeaderElector::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  if (leading()) release();
  base::MutexLock lock(mutex_);
  elected_ = false;
}

bool LeaderElector::leading() const {
  base::MutexLock lock(mutex_);
  return elected_ && clock_.steady_now() < renewed_ + options_.times.renew;
}

void LeaderElector::run() {
  do {
    const auto attempted = base::guarded("renew the lease", [this] { return attempt(); });
    if (!attempted)
      base::log_warning("kube", "Renewing the lease failed",
                        {{"error", attempted.error().message}});
    const bool held = attempted.value_or(false);
    if (held && !told_) {
      told_ = true;
      base::log_info("kube", "Became leader", {{"lease", options_.lease.to_string()}});
      if (callbacks_.on_elected) callbacks_.on_elected();
    }
    if (told_ && !held && !leading()) {
      base::log_error("kube", "Lost the lease", {{"lease", options_.lease.to_string()}});
      if (callbacks_.on_lost) callbacks_.on_lost();
      return;
    }
  } while (sleep());
}

// True when the lease is ours and fresh.
bool LeaderElector::attempt() {
  // The moment before the request counts: the server cannot have granted it earlier than that, and
  // others count from no earlier.
  const base::SteadyTime begin = clock_.steady_now();
  auto found = api_.get(leases(), options_.lease);
  if (found) {
    observe(*found);
  } else if (found.error().code == base::Code::NotFound) {
    lease_.reset();
    view_ = {.record = std::nullopt, .unchanged_since = begin};
  } else {
    base::log_warning("kube", "Reading the lease failed", {{"error", found.error().message}});
    return false;
  }
  const LeaseMove move = decide_lease(begin, view_, options_.identity);
  if (move == LeaseMove::Wait) {
    // Somebody else has it: whatever we believed is over.
    base::MutexLock lock(mutex_);
    elected_ = false;
    return false;
  }
  const auto written =
      write(next_lease(move, view_, options_.identity, options_.times, clock_.now()));
  if (!written) {
    // A conflict means that another wrote first; the next look shows who.
    base::log_info("kube", "Writing the lease failed", {{"error", written.error().message}});
    return false;
  }
  observe(*written);
  base::MutexLock lock(mutex_);
  elected_ = true;
  renewed_ = begin;
  return true;
}

void LeaderElector::observe(const Json& lease) {
  LeaseRecord record = lease_record(lease);
  if (view_.record != record) {
    view_ = {.record = std::move(record), .unchanged_since = clock_.steady_now()};
  }
  lease_ = std::make_unique<Json>(lease);
}

base::Result<Json> LeaderElector::write(const LeaseRecord& record) {
  if (lease_ == nullptr) {
    Json fresh = {{"apiVersion", leases().api_version()},
                  {"kind", leases().kind},
                  {"metadata", {{"namespace", options_.lease.ns}, {"name", options_.lease.name}}}};
    set_lease_record(fresh, record);
    return api_.create(leases(), fresh);
  }
  // Carries the resourceVersion that we decided on: of two that take over, one gets a conflict.
  Json next = *lease_;
  set_lease_record(next, record);
  return api_.update(leases(), next);
}

void LeaderElector::release() {
  if (lease_ == nullptr || !view_.record) return;
  LeaseRecord free = *view_.record;
  free.holder.clear();
  free.duration = std::chrono::seconds{1};
  if (const auto written = write(free); !written) {
    base::log_info("kube", "Releasing the lease failed", {{"error", written.error().message}});
  }
}

bool LeaderElector::sleep() {
  const base::SteadyTime until = clock_.steady_now() + options_.times.retry;
  base::MutexLock lock(mutex_);
  while (!stopping_ && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
  return !stopping_;
}

}  // namespace kube
