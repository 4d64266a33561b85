#pragma once

// The life of a watch as a pure step function (after kube-rs): given where we stand and what just
// happened, what to do to the local copy and what to ask next. The Reflector is the thread around
// it.
//
//   Empty --listed--> Listed(rv) --opened--> Watching(rv) --events--> Watching(rv')
//   Empty --opened--> Listing --events--> Listing --all was told--> Watching(rv)
//   Watching --ended in order or failed--> Listed(rv)      Listed, Watching --Gone--> Empty
//
// The second line is a watch that begins with what there is (WatchList): the server writes it
// object by object from its cache, where a list is made as a whole for each who asks. A server that
// does not offer it is asked for lists from then on.
//
// Threads: pure.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "kube/api.h"
#include "kube/packed_object.h"

namespace kube {

// What to ask the API next.
enum class WatcherAsk { List, OpenWatch, ReadEvent };

struct WatcherState {
  enum class Phase { Empty, Listing, Listed, Watching };
  Phase phase = Phase::Empty;
  std::string resource_version;  // what the local copy shows; empty in Empty
  int failures = 0;              // in a row, since something last came
  bool moved = false;            // something came since the watch was opened
  bool streams = false;          // a watch may begin with what there is
  // What has come in Listing.
  std::map<ObjectKey, PackedObject> coming;
  std::vector<Unreadable> unreadable;
};

// What to ask in Empty. OpenWatch without a resourceVersion begins with what there is.
WatcherAsk first_ask(const WatcherState& state);
// Whether an error says that the server does not offer that.
bool refuses_to_stream(const WatcherState& state, const base::Error& error);

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
  std::map<ObjectKey, PackedObject> items;
  std::vector<Unreadable> unreadable;
};
struct ApplyOne {
  PackedObject object;
};
struct RemoveOne {
  ObjectKey key;
};
// Remove it, and report it.
struct LoseOne {
  Unreadable lost;
};
using StoreChange = std::variant<KeepAll, ReplaceAll, ApplyOne, RemoveOne, LoseOne>;

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
