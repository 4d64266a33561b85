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

DatabaseWatch::DatabaseWatch(std::function<base::Status()> missing, base::Clock& clock)
    : missing_(std::move(missing)),
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
  for (int silence = 0; wait();) {
    const base::Status fine = missing_();
    if (fine || silence-- > 0) {
      if (fine) silence = 0;
      continue;
    }
    silence = kLooksBetweenComplaints;
    base::log_error("sparkcron", "A database is gone", {{"error", fine.error().message}});
  }
}

}  // namespace sparkcron
