#pragma once

// WatchHub: hands every committed event to every watch that wants it. One thread, no polling: it
// sleeps until the store commits, a watch comes or a watch times out. What an event looks like on
// the wire is made once per form (Frames) and shared by all watchers that want that form.
//
// Watchers are called on the hub's thread only, never at the same time, and must not block. When
// the hub falls behind the writers by more than kMaxQueuedBytes it ends every watch, so that they
// come back and ask for what they missed, instead of piling it up. What a new watch begins with
// may be far more than a stream takes at once: it is handed out as fast as it is sent (Pace), and
// what happens meanwhile follows from the history. Threads: every public method from any thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/server/storage/object_store.h"

namespace kube::server::storage {

using Frame = std::shared_ptr<const std::string>;

class Pace;

// The forms that one event has been rendered to.
class Frames {
 public:
  Frames() = default;
  // Frames of one watch alone, counted until the last who holds one lets go.
  explicit Frames(std::shared_ptr<Pace> pace) : pace_(std::move(pace)) {}
  Frame get(const std::string& form, const std::function<std::string()>& render);
  // The object's own text, for who takes the object as it is: counted like a frame as long as it is
  // held. Null for frames that nobody counts.
  [[nodiscard]] Frame hold(const ObjectPtr& object) const;

 private:
  std::shared_ptr<Pace> pace_;
  std::map<std::string, Frame> frames_;
};

enum class BookmarkKind { Progress, InitialEventsEnd };

class Watcher {
 public:
  virtual ~Watcher() = default;
  // False when the other side has gone: the watch is dropped.
  virtual bool deliver(const Event& event, Frames& frames) = 0;
  virtual bool bookmark(int64_t revision, BookmarkKind kind) = 0;
  virtual void fail(const base::Error& error) = 0;  // Gone: it cannot begin where it wants
  virtual void end() = 0;                           // its time is over, or the server stops
};

struct Subscription {
  std::string resource;
  std::string ns;  // "" = all
  // The revision after which to begin; nullopt: first everything that exists, as Created.
  std::optional<int64_t> after;
  bool initial_events_end = false;  // say with a bookmark where what existed ends
  bool bookmarks = false;
  base::SteadyTime until;
  std::unique_ptr<Watcher> watcher;
};

class WatchHub {
 public:
  static constexpr size_t kMaxQueuedBytes = size_t{64} << 20;  // committed, not yet handed out
  static constexpr size_t kMaxPacedBytes = size_t{2} << 20;    // of one watch's past, not yet sent
  // Behind by more than this it hands out no trees (Event::state), which are many times their text.
  static constexpr size_t kMaxStateBytes = size_t{2} << 20;
  // Who has not caught up by then is ended: its past holds objects that may be long gone.
  static constexpr std::chrono::minutes kCatchUp{10};

  // `store` must have no writes yet and outlive the hub's use; see stop().
  WatchHub(ObjectStore& store, base::Clock& clock);
  ~WatchHub();
  using Id = uint64_t;
  // `started` is called on the hub's thread before the watcher is, with the id for remove().
  void add(Subscription subscription, std::function<void(Id)> started = {});
  void remove(Id id);
  // Ends every watch. What is added later ends at once.
  void stop();
  [[nodiscard]] size_t size() const;

 private:
  struct Past;
  struct Watch {
    Subscription subscription;
    int64_t position = 0;  // where its catching up ended: live events begin after it
    base::SteadyTime next_bookmark;
    std::unique_ptr<Past> past;  // null: it is live
  };
  struct Arrival {
    Subscription subscription;
    std::function<void(Id)> started;
  };
  struct Work {
    std::vector<std::vector<EventPtr>> commits;
    size_t bytes = 0;      // of their objects' text
    bool overrun = false;  // there were too many: they are left out
    std::vector<Arrival> arrivals;
    std::vector<Id> removals;
    std::vector<Id> rooms;  // watches with room for more of their past
    bool stopping = false;
  };

  void run();
  void queue(const std::vector<EventPtr>& events) REQUIRES(mutex_);
  Work next_work();
  void begin(Arrival arrival);
  static bool guard(Watch& watch, const std::function<bool()>& step);
  void end_all();
  void recall(Watch& watch, Id id);
  bool catch_up(Watch& watch);
  bool hand_out(Watch& watch);
  void go_on(Id id);
  void has_room(Id id);
  void publish(const EventPtr& event);
  void tick(base::SteadyTime now);
  bool tick(Watch& watch, base::SteadyTime now);
  [[nodiscard]] base::SteadyTime next_deadline() const;

  ObjectStore& store_;
  base::Clock& clock_;
  // Of the hub's thread alone; by resource, then id.
  std::map<std::string, std::map<Id, Watch>> watches_;
  Id next_id_ = 1;
  int64_t published_ = 0;  // the newest revision that live watches have been told of

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  Work work_ GUARDED_BY(mutex_);
  size_t size_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace kube::server::storage
