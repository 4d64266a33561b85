#include "kube/server/storage/watch_hub.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/log.h"

namespace kube::server::storage {
namespace {

// As kube-apiserver: about once a minute, so that an idle watcher can resume after compaction.
constexpr std::chrono::seconds kBookmarkEvery{60};
constexpr std::chrono::hours kIdle{24};

bool wants(const Subscription& subscription, const Key& key) {
  return subscription.resource == key.resource &&
         (subscription.ns.empty() || subscription.ns == key.ns);
}

}  // namespace

Frame Frames::get(const std::string& form, const std::function<std::string()>& render) {
  Frame& frame = frames_[form];
  if (!frame) frame = std::make_shared<const std::string>(render());
  return frame;
}

WatchHub::WatchHub(ObjectStore& store, base::Clock& clock) : store_(store), clock_(clock) {
  store_.add_listener([this](const std::vector<EventPtr>& events) {
    {
      const base::MutexLock lock(mutex_);
      if (work_.stopping) return;
      queue(events);
    }
    changed_.notify_one();
  });
  thread_ = base::start_thread("watch-hub", [this] { run(); });
}

void WatchHub::queue(const std::vector<EventPtr>& events) {
  for (const EventPtr& event : events)
    work_.bytes += event->object->text.size();
  if (work_.overrun || work_.bytes > kMaxQueuedBytes) {
    work_.overrun = true;
    work_.commits.clear();
  } else {
    work_.commits.push_back(events);
  }
}

WatchHub::~WatchHub() {
  stop();
  thread_.join();
}

void WatchHub::add(Subscription subscription, std::function<void(Id)> started) {
  {
    const base::MutexLock lock(mutex_);
    if (!work_.stopping) {
      work_.arrivals.push_back({std::move(subscription), std::move(started)});
      changed_.notify_one();
      return;
    }
  }
  subscription.watcher->end();
}

void WatchHub::remove(Id id) {
  const base::MutexLock lock(mutex_);
  work_.removals.push_back(id);
  changed_.notify_one();
}

void WatchHub::stop() {
  const base::MutexLock lock(mutex_);
  work_.stopping = true;
  changed_.notify_one();
}

size_t WatchHub::size() const {
  const base::MutexLock lock(mutex_);
  return size_;
}

base::SteadyTime WatchHub::next_deadline() const {
  base::SteadyTime next = clock_.steady_now() + kIdle;
  for (const auto& [resource, watches] : watches_) {
    for (const auto& [id, watch] : watches) {
      next = std::min(next, watch.subscription.until);
      if (watch.subscription.bookmarks) next = std::min(next, watch.next_bookmark);
    }
  }
  return next;
}

WatchHub::Work WatchHub::next_work() {
  size_t count = 0;
  for (const auto& [resource, watches] : watches_)
    count += watches.size();
  const base::SteadyTime deadline = next_deadline();
  base::MutexLock lock(mutex_);
  size_ = count;
  while (work_.commits.empty() && !work_.overrun && work_.arrivals.empty() &&
         work_.removals.empty() && !work_.stopping && clock_.steady_now() < deadline) {
    clock_.wait_until(lock, changed_, deadline);
  }
  Work work = std::exchange(work_, Work{});
  work_.stopping = work.stopping;
  return work;
}

void WatchHub::run() {
  // Entered anew after an exception: what was on its way then is lost. Watchers that are cut off
  // come back and ask for what they missed; others would never know.
  end_all();
  while (true) {
    Work work = next_work();
    for (const Id id : work.removals) {
      for (auto& [resource, watches] : watches_)
        watches.erase(id);
    }
    if (work.overrun) {
      base::log_warning("kube/server", "Watches fell too far behind and are ended; they come back",
                        {});
      end_all();
    }
    for (const auto& commit : work.commits) {
      for (const EventPtr& event : commit)
        publish(event);
    }
    for (Arrival& arrival : work.arrivals)
      begin(std::move(arrival));
    if (work.stopping) break;
    tick(clock_.steady_now());
  }
  end_all();
}

void WatchHub::end_all() {
  for (auto& [resource, watches] : watches_) {
    for (auto& [id, watch] : watches)
      watch.subscription.watcher->end();
  }
  watches_.clear();
}

// False: the watch is over. What throws ends this watch alone.
bool WatchHub::guard(Watch& watch, const std::function<bool()>& step) {
  const auto stays = base::guarded("watch of " + watch.subscription.resource, step);
  if (stays) return *stays;
  base::log_error("kube/server", "A watch failed and is ended", {{"error", stays.error().message}});
  watch.subscription.watcher->end();
  return false;
}

void WatchHub::begin(Arrival arrival) {
  const Id id = next_id_++;
  Watch watch{.subscription = std::move(arrival.subscription),
              .position = 0,
              .next_bookmark = clock_.steady_now() + kBookmarkEvery};
  if (arrival.started) arrival.started(id);
  if (!guard(watch, [&] { return catch_up(watch); })) return;
  std::string resource = watch.subscription.resource;
  watches_[std::move(resource)].emplace(id, std::move(watch));
}

// The store may be ahead of what this thread has published: `position` makes sure that an event
// which was part of the catching up is not delivered again.
bool WatchHub::catch_up(Watch& watch) {
  Subscription& subscription = watch.subscription;
  Watcher& watcher = *subscription.watcher;
  if (!subscription.after) {
    const Listing listing = store_.list(subscription.resource, subscription.ns);
    watch.position = listing.revision;
    for (const ObjectPtr& object : listing.items) {
      Frames frames;
      const Event event{.revision = object->revision,
                        .change = Change::Created,
                        .object = object,
                        .previous = nullptr};
      if (!watcher.deliver(event, frames)) return false;
    }
    if (!subscription.initial_events_end) return true;
    return watcher.bookmark(listing.revision, BookmarkKind::InitialEventsEnd);
  }
  const auto events = store_.events_after(*subscription.after);
  if (!events) {
    watcher.fail(events.error());
    return false;
  }
  watch.position = *subscription.after;
  for (const EventPtr& event : *events) {
    watch.position = event->revision;
    if (!wants(subscription, event->object->key)) continue;
    Frames frames;
    if (!watcher.deliver(*event, frames)) return false;
  }
  return true;
}

void WatchHub::publish(const EventPtr& event) {
  published_ = event->revision;
  const auto found = watches_.find(event->object->key.resource);
  if (found == watches_.end()) return;
  Frames frames;
  auto& watches = found->second;
  for (auto entry = watches.begin(); entry != watches.end();) {
    Watch& watch = entry->second;
    const bool news =
        event->revision > watch.position && wants(watch.subscription, event->object->key);
    const bool stays =
        !news || guard(watch, [&] { return watch.subscription.watcher->deliver(*event, frames); });
    entry = stays ? std::next(entry) : watches.erase(entry);
  }
}

void WatchHub::tick(base::SteadyTime now) {
  for (auto& [resource, watches] : watches_) {
    for (auto entry = watches.begin(); entry != watches.end();) {
      const bool stays = guard(entry->second, [&] { return tick(entry->second, now); });
      entry = stays ? std::next(entry) : watches.erase(entry);
    }
  }
}

// False: the watch is over.
bool WatchHub::tick(Watch& watch, base::SteadyTime now) {
  Subscription& subscription = watch.subscription;
  if (now >= subscription.until) {
    subscription.watcher->end();
    return false;
  }
  if (!subscription.bookmarks || now < watch.next_bookmark) return true;
  watch.next_bookmark = now + kBookmarkEvery;
  // A bookmark promises that nothing before it will come: that holds for what was published.
  return subscription.watcher->bookmark(std::max(watch.position, published_),
                                        BookmarkKind::Progress);
}

}  // namespace kube::server::storage
