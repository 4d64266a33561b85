#pragma once

// The life of a watch as a pure step function (after kube-rs): given where we stand and what just
// happened, what to do to the local copy and what to ask next. The Reflector is the thread around
// it.
//
//   Empty --listed--> Listed(rv) --opened--> Watching(rv) --events--> Watching(rv')
//   Watching --ended in order or failed--> Listed(rv)      Listed, Watching --Gone--> Empty
//
// Threads: pure.

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "kube/api.h"

namespace kube {

struct WatcherState {
  enum class Phase { Empty, Listed, Watching };
  Phase phase = Phase::Empty;
  std::string resource_version;  // what the local copy shows; empty in Empty
  int failures = 0;              // in a row, since something last came
  bool moved = false;            // something came since the watch was opened
};

// What happened.
struct ListArrived {
  ObjectList list;
};
struct WatchOpened {};
struct EventArrived {
  WatchEvent event;
};
struct WatchEnded {
  std::chrono::milliseconds lasted{0};
};
struct StepFailed {
  base::Error error;
};
using WatcherInput = std::variant<ListArrived, WatchOpened, EventArrived, WatchEnded, StepFailed>;

// What to do to the local copy.
struct KeepAll {};
struct ReplaceAll {
  std::vector<Json> items;
  std::vector<Unreadable> unreadable;
};
struct ApplyOne {
  std::shared_ptr<const Json> object;
};
struct RemoveOne {
  std::shared_ptr<const Json> object;
};
// Remove it, and report it.
struct LoseOne {
  Unreadable lost;
};
using StoreChange = std::variant<KeepAll, ReplaceAll, ApplyOne, RemoveOne, LoseOne>;

// What to ask the API next.
enum class WatcherAsk { List, OpenWatch, ReadEvent };

struct WatcherStep {
  WatcherState state;
  StoreChange change;
  WatcherAsk ask = WatcherAsk::List;
  // True: wait first, by state.failures, and at least `at_least`.
  bool back_off = false;
  std::chrono::milliseconds at_least{0};
};

WatcherStep watcher_step(WatcherState state, WatcherInput input);

}  // namespace kube
