#include "kube/server/storage/watch_hub.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/log.h"
#include "kube/server/storage/pace.h"

namespace kube::server::storage {
namespace {

// As kube-apiserver: about once a minute, so that an idle watcher can resume after compaction.
constexpr std::chrono::seconds kBookmarkEvery{60};
constexpr std::chrono::hours kIdle{24};

bool wants(const Subscription& subscription, const Key& key) {
  return subscription.resource == key.resource &&
         (subscription.ns.empty() || subscription.ns == key.ns);
}

std::vector<EventPtr> without_states(const std::vector<EventPtr>& events) {
  std::vector<EventPtr> lighter;
  lighter.reserve(events.size());
  for (const EventPtr& event : events)
    lighter.push_back(without_state(event));
  return lighter;
}

}  // namespace

Frame Frames::get(const std::string& form, const std::function<std::string()>& render) {
  Frame& frame = frames_[form];
  if (!frame) {
    auto text = std::make_shared<const std::string>(render());
    frame = pace_ ? pace_->hold(std::move(text)) : std::move(text);
  }
  return frame;
}

Frame Frames::hold(const ObjectPtr& object) const {
  if (!pace_) return nullptr;
  return pace_->hold(Frame(object, &object->text));
}

// What a watch begins with: objects as they were listed, or events of the history.
struct WatchHub::Past {
  std::shared_ptr<Pace> pace;
  base::SteadyTime until;
  std::vector<EventPtr> events;
  size_t next = 0;
  // A list: where it ends, and whether to say so.
  std::optional<int64_t> listed;

  Past(std::shared_ptr<Pace> paced, base::SteadyTime end) : pace(std::move(paced)), until(end) {}
  ~Past() { pace->leave(); }
  Past(const Past&) = delete;
  Past& operator=(const Past&) = delete;
};

WatchHub::WatchHub(ObjectStore& store, base::Clock& clock) : store_(store), clock_(clock) {
  store_.add_listener([this](const std::vector<EventPtr>& events) {
    const base::Status told = base::guarded("tell watches", [&] {
      const base::MutexLock lock(mutex_);
      if (!work_.stopping) queue(events);
    });
    if (!told) {
      // Whoever is not told must not go on as if nothing had happened.
      const base::MutexLock lock(mutex_);
      work_.overrun = true;
      work_.commits.clear();
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
    work_.commits.push_back(work_.bytes > kMaxStateBytes ? without_states(events) : events);
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
      if (watch.past) next = std::min(next, watch.past->until);
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
         work_.removals.empty() && work_.rooms.empty() && !work_.stopping &&
         clock_.steady_now() < deadline) {
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
    for (const Id id : work.rooms)
      go_on(id);
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
  const auto stays = base::guarded("watch", step);
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
  const auto started = [&] {
    recall(watch, id);
    return catch_up(watch);
  };
  if (!guard(watch, started)) return;
  std::string resource = watch.subscription.resource;
  watches_[std::move(resource)].emplace(id, std::move(watch));
}

void WatchHub::recall(Watch& watch, Id id) {
  auto pace = std::make_shared<Pace>(kMaxPacedBytes, [this, id] { has_room(id); });
  watch.past = std::make_unique<Past>(std::move(pace), clock_.steady_now() + kCatchUp);
  Subscription& subscription = watch.subscription;
  watch.position = subscription.after.value_or(0);
  if (subscription.after) return;
  const Listing listing = store_.list(subscription.resource, subscription.ns);
  watch.past->listed = listing.revision;
  watch.past->events.reserve(listing.items.size());
  for (const ObjectPtr& object : listing.items) {
    auto event = std::make_shared<Event>();
    event->revision = object->revision;
    event->change = Change::Created;
    event->object = object;
    watch.past->events.push_back(std::move(event));
  }
}

// False: the watch is over. The store may be ahead of what this thread has published: `position`
// makes sure that an event which was part of the catching up is not delivered again. And what was
// published while the watch waited for room is in the history, or the watch is told that it is
// Gone.
bool WatchHub::catch_up(Watch& watch) {
  bool recalled = watch.past->listed.has_value() || !watch.past->events.empty();
  while (true) {
    if (!hand_out(watch)) return false;
    if (watch.past->next < watch.past->events.size()) return true;  // later
    if (recalled && watch.position >= published_) break;
    auto events = store_.events_after(watch.position);
    if (!events) {
      watch.subscription.watcher->fail(events.error());
      return false;
    }
    if (events->empty()) break;
    recalled = true;
    watch.past->events = std::move(*events);
    watch.past->next = 0;
  }
  watch.past.reset();
  return true;
}

// False: the watch is over. Stops where there is no room.
bool WatchHub::hand_out(Watch& watch) {
  Past& past = *watch.past;
  Watcher& watcher = *watch.subscription.watcher;
  for (; past.next < past.events.size(); ++past.next) {
    const EventPtr& event = past.events[past.next];
    if (wants(watch.subscription, event->object->key)) {
      if (!past.pace->has_room()) return true;
      Frames frames(past.pace);
      if (!watcher.deliver(*event, frames)) return false;
    }
    if (!past.listed) watch.position = event->revision;
    past.events[past.next] = nullptr;
  }
  if (!past.listed) return true;
  watch.position = *std::exchange(past.listed, std::nullopt);
  return !watch.subscription.initial_events_end ||
         watcher.bookmark(watch.position, BookmarkKind::InitialEventsEnd);
}

// On any thread.
void WatchHub::has_room(Id id) {
  const base::MutexLock lock(mutex_);
  work_.rooms.push_back(id);
  changed_.notify_one();
}

void WatchHub::go_on(Id id) {
  for (auto& [resource, watches] : watches_) {
    const auto found = watches.find(id);
    if (found == watches.end()) continue;
    Watch& watch = found->second;
    if (watch.past && !guard(watch, [&] { return catch_up(watch); })) watches.erase(found);
    return;
  }
}

void WatchHub::publish(const EventPtr& event) {
  published_ = event->revision;
  const auto found = watches_.find(event->object->key.resource);
  if (found == watches_.end()) return;
  Frames frames;
  auto& watches = found->second;
  for (auto entry = watches.begin(); entry != watches.end();) {
    Watch& watch = entry->second;
    const bool news = !watch.past && event->revision > watch.position &&
                      wants(watch.subscription, event->object->key);
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
  if (now >= subscription.until || (watch.past && now >= watch.past->until)) {
    subscription.watcher->end();
    return false;
  }
  if (watch.past) return true;
  if (!subscription.bookmarks || now < watch.next_bookmark) return true;
  watch.next_bookmark = now + kBookmarkEvery;
  // A bookmark promises that nothing before it will come: that holds for what was published.
  return subscription.watcher->bookmark(std::max(watch.position, published_),
                                        BookmarkKind::Progress);
}

}  // namespace kube::server::storage
