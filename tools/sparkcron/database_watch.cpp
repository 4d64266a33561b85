#include "tools/sparkcron/database_watch.h"

#include <chrono>
#include <utility>

#include "base/guard.h"
#include "base/log.h"

namespace sparkcron {
namespace {

constexpr std::chrono::seconds kInterval{30};
constexpr int kLooksBetweenComplaints = 20;

}  // namespace

DatabaseWatch::DatabaseWatch(DatabaseChecks checks, base::Clock& clock)
    : checks_(std::move(checks)),
      clock_(clock),
      thread_(base::start_thread("database-watch", [this] { run(); })) {}

DatabaseWatch::~DatabaseWatch() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool DatabaseWatch::wait() {
  const base::SteadyTime until = clock_.steady_now() + kInterval;
  base::MutexLock lock(mutex_);
  while (!stopping_ && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
  return !stopping_;
}

void DatabaseWatch::run() {
  while (wait()) {
    if (checks_.missing) look_for_missing();
    checks_.try_write();
  }
}

void DatabaseWatch::look_for_missing() {
  const base::Status fine = checks_.missing();
  if (fine || silence_-- > 0) {
    if (fine) silence_ = 0;
    return;
  }
  silence_ = kLooksBetweenComplaints;
  base::log_error("sparkcron", "A database is gone", {{"error", fine.error().message}});
}

}  // namespace sparkcron
