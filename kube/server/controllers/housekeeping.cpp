#include "kube/server/controllers/housekeeping.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"

namespace kube::server::controllers {
namespace {

using storage::Change;
using storage::ObjectPtr;

constexpr const char* kEvents = "events";
constexpr size_t kPortion = 500;  // deletions in one transaction

}  // namespace

Housekeeping::Housekeeping(storage::ObjectStore& store, base::Clock& clock, EventLimits limits)
    : store_(store), clock_(clock), ages_(limits) {
  store_.add_listener([this](const std::vector<storage::EventPtr>& events) {
    const base::MutexLock lock(mutex_);
    for (const auto& event : events) {
      if (event->object->key.resource == kEvents) note(*event);
    }
    if (ages_.crowded()) changed_.notify_all();
  });
}

Housekeeping::~Housekeeping() {
  stop();
}

void Housekeeping::start() {
  note_stored();
  next_ = clock_.steady_now() + kEvery;
  thread_ = base::start_thread("housekeeping", [this] { run(); });
}

void Housekeeping::stop() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::note(const storage::Event& event) {
  if (event.change == Change::Deleted) {
    ages_.forget(event.object->key);
  } else {
    ages_.note(event.object->key, clock_.now());
  }
}

void Housekeeping::note_stored() {
  for (const ObjectPtr& event : store_.list(kEvents, "").items) {
    const base::WallTime written = last_write(event->parse());
    const base::MutexLock lock(mutex_);
    ages_.note(event->key, written);
  }
}

// False: the end has come.
bool Housekeeping::wait() {
  base::MutexLock lock(mutex_);
  while (!stopping_ && !ages_.crowded() && clock_.steady_now() < next_)
    clock_.wait_until(lock, changed_, next_);
  return !stopping_;
}

void Housekeeping::run() {
  while (wait()) {
    expire_events();
    if (clock_.steady_now() < next_) continue;
    next_ = clock_.steady_now() + kEvery;
    base::return_unused_memory(kUnusedMemory);
  }
}

void Housekeeping::expire_events() {
  while (true) {
    std::vector<storage::Key> due;
    {
      const base::MutexLock lock(mutex_);
      if (stopping_) return;
      due = ages_.due(clock_.now(), kPortion);
    }
    std::vector<storage::WriteRequest> deletions;
    for (const storage::Key& key : due) {
      const ObjectPtr event = store_.get(key);
      if (!event) continue;
      // By revision: one that was written again meanwhile begins a new hour.
      deletions.push_back({.change = Change::Deleted,
                           .key = key,
                           .expected = event->revision,
                           .object = nullptr,
                           .indexed = {}});
    }
    if (deletions.empty()) return;
    for (const auto& deleted : store_.write_all(std::move(deletions))) {
      if (deleted || deleted.error().code == base::Code::Conflict ||
          deleted.error().code == base::Code::NotFound) {
        continue;
      }
      base::log_warning("kube/server", "Could not remove old events; trying again",
                        {{"error", deleted.error().message}});
      // A full disk must not be asked again and again: the next round comes in a minute.
      base::MutexLock lock(mutex_);
      const base::SteadyTime until = clock_.steady_now() + kEvery;
      while (!stopping_ && clock_.steady_now() < until)
        clock_.wait_until(lock, changed_, until);
      return;
    }
  }
}

}  // namespace kube::server::controllers
