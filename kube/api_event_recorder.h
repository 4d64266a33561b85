#pragma once

// ApiEventRecorder: the EventRecorder that posts to an API. One thread sends what record() left in
// a bounded queue. An event equal to one of the last six minutes raises that one's series.count
// instead of making another; what piles up while a request is under way becomes one request.
//
// Best effort: a full queue drops the new event, a refused event is dropped, an unreachable API is
// tried three times. The destructor sends what is left, once. Threads: any.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/event_recorder.h"

namespace kube {

struct EventSource {
  std::string controller = "sparkcron";  // who reports
  std::string instance;                  // which replica of it
};

class ApiEventRecorder final : public EventRecorder {
 public:
  // Blocks while there is something that comes first, but not longer than this.
  using AwaitTurn = std::function<void(std::chrono::milliseconds most)>;
  // An event waits for its turn no longer than this after it was recorded: people read events, and
  // a burst of starts is not to wait for them.
  static constexpr std::chrono::milliseconds kPatience{5'000};

  // The Api and the clock must outlive it.
  ApiEventRecorder(Api& api, base::Clock& clock, EventSource source, size_t max_queue = 10'000);
  ~ApiEventRecorder() override;
  ApiEventRecorder(const ApiEventRecorder&) = delete;
  ApiEventRecorder& operator=(const ApiEventRecorder&) = delete;

  void record(const nlohmann::json& regarding, EventType type, std::string_view reason,
              std::string_view action, std::string_view note) override;
  // From now on each event waits for its turn; empty: no longer, and what was given before is not
  // called any more when this returns.
  void give_way_to(AwaitTurn await_turn) EXCLUDES(turn_mutex_);
  // Events that never reached the API, since the start.
  [[nodiscard]] uint64_t dropped() const;

 private:
  // What makes two events equal.
  struct Identity {
    std::string regarding;  // an ObjectReference, as JSON
    std::string type;
    std::string reason;
    std::string action;
    std::string note;
    auto operator<=>(const Identity&) const = default;
  };
  struct Pending {
    int64_t count = 0;
    base::WallTime first;
    base::WallTime last;
    base::SteadyTime since;
  };
  struct Series {
    ObjectKey event;
    int64_t count = 1;
    base::WallTime last;
  };

  void put(const Json& regarding, EventType type, std::string_view reason, std::string_view action,
           std::string_view note);
  void run();
  bool await_work() EXCLUDES(mutex_);
  void await_turn(const Pending& pending) EXCLUDES(turn_mutex_);
  void send(const Identity& identity, const Pending& pending);
  base::Status send_once(const Identity& identity, const Pending& pending);
  base::Status create(const Identity& identity, const Pending& pending);
  bool wait_before_retry();
  static bool is_recent(const Series& series, base::WallTime now);
  void forget_old_series();
  void tell_of_dropped(const Identity& identity, const base::Error& error);

  Api& api_;
  base::Clock& clock_;
  const EventSource source_;
  const size_t max_queue_;
  std::map<Identity, Series> series_;     // the thread's own
  base::WallTime looked_at_series_;       // the thread's own
  uint64_t names_ = 0;                    // the thread's own
  std::optional<base::SteadyTime> told_;  // of a dropped event; the thread's own

  base::Mutex turn_mutex_;  // held while one waits for the turn; before mutex_
  AwaitTurn await_turn_ GUARDED_BY(turn_mutex_);
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::map<Identity, Pending> pending_ GUARDED_BY(mutex_);
  std::deque<Identity> order_ GUARDED_BY(mutex_);  // of pending_
  uint64_t dropped_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// give_way_to() for as long as this lives. What it waits for must end its wait when it stops, or
// the destructor may take kPatience.
class EventsGiveWay {
 public:
  EventsGiveWay(ApiEventRecorder& events, ApiEventRecorder::AwaitTurn await_turn)
      : events_(events) {
    events_.give_way_to(std::move(await_turn));
  }
  ~EventsGiveWay() { events_.give_way_to({}); }
  EventsGiveWay(const EventsGiveWay&) = delete;
  EventsGiveWay& operator=(const EventsGiveWay&) = delete;

 private:
  ApiEventRecorder& events_;
};

}  // namespace kube
