#include "kube/leader_elector.h"

#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "base/log.h"

namespace kube {

LeaderElector::LeaderElector(Api& api, base::Clock& clock, ElectionOptions options,
                             Callbacks callbacks)
    : clock_(clock), callbacks_(std::move(callbacks)), candidate_(api, clock, std::move(options)) {}

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
  if (candidate_.leading()) candidate_.release();
  candidate_.resign();
}

void LeaderElector::run() {
  const std::string lease = candidate_.options().lease.to_string();
  do {
    const auto attempted =
        base::guarded("renew the lease", [this] { return candidate_.attempt(); });
    if (!attempted)
      base::log_warning("kube", "Renewing the lease failed",
                        {{"error", attempted.error().message}});
    const bool held = attempted.value_or(false);
    if (held && !told_) {
      told_ = true;
      base::log_info("kube", "Became leader", {{"lease", lease}});
      if (callbacks_.on_elected) callbacks_.on_elected();
    }
    if (told_ && !held && !candidate_.leading()) {
      base::log_error("kube", "Lost the lease", {{"lease", lease}});
      if (callbacks_.on_lost) callbacks_.on_lost();
      return;
    }
  } while (sleep());
}

bool LeaderElector::sleep() {
  const base::SteadyTime until = clock_.steady_now() + candidate_.options().times.retry;
  base::MutexLock lock(mutex_);
  while (!stopping_ && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
  return !stopping_;
}

}  // namespace kube
