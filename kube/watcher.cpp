#include "kube/watcher.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace kube {
namespace {

using Phase = WatcherState::Phase;

// A streamed list is never there as trees, any other no longer than it takes to read.
PackedObject packed(PackedObject object) {
  object.pack();
  return object;
}

WatcherStep listed(WatcherState state, ListArrived input) {
  ReplaceAll all{.items = {}, .unreadable = std::move(input.list.unreadable)};
  for (Json& item : input.list.items) {
    PackedObject one = packed(PackedObject(std::make_shared<const Json>(std::move(item))));
    ObjectKey key = one.key();
    all.items.insert_or_assign(std::move(key), std::move(one));
  }
  state.phase = Phase::Listed;
  state.resource_version = std::move(input.list.resource_version);
  // The failures stay: a server that lists but refuses every watch must not be listed in a circle.
  return {.state = std::move(state), .change = std::move(all), .ask = WatcherAsk::OpenWatch};
}

WatcherStep opened(WatcherState state) {
  state.phase = state.phase == Phase::Empty ? Phase::Listing : Phase::Watching;
  state.moved = false;
  return {.state = std::move(state), .change = KeepAll{}, .ask = WatcherAsk::ReadEvent};
}

Unreadable lost(WatchEvent event) {
  const Identity& found = event.object.identity();
  return {.key = found.key,
          .uid = found.uid,
          .resource_version = found.resource_version,
          .reason = std::move(event.problem)};
}

bool ends_the_list(const WatchEvent& event) {
  return event.type == WatchEvent::Type::Bookmark &&
         base::string_at(*event.object.object(),
                         {"metadata", "annotations", "k8s.io/initial-events-end"}) == "true";
}

// All has come: as if it had been listed, and the watch goes on.
WatcherStep all_came(WatcherState state, const WatchEvent& end) {
  ReplaceAll all{.items = std::exchange(state.coming, {}),
                 .unreadable = std::exchange(state.unreadable, {})};
  state.phase = Phase::Watching;
  state.resource_version = end.object.identity().resource_version;
  // The failures stay, as after a list.
  return {.state = std::move(state), .change = std::move(all), .ask = WatcherAsk::ReadEvent};
}

// Objects may change while the list is told.
WatcherStep came(WatcherState state, EventArrived input) {
  if (ends_the_list(input.event)) return all_came(std::move(state), input.event);
  const ObjectKey key = input.event.object.key();
  switch (input.event.type) {
    case WatchEvent::Type::Added:
    case WatchEvent::Type::Modified:
      state.coming.insert_or_assign(key, packed(std::move(input.event.object)));
      break;
    case WatchEvent::Type::Deleted:
      state.coming.erase(key);
      break;
    case WatchEvent::Type::Bookmark:
      break;
    case WatchEvent::Type::Unreadable:
      state.coming.erase(key);
      state.unreadable.push_back(lost(std::move(input.event)));
      break;
  }
  return {.state = std::move(state), .change = KeepAll{}, .ask = WatcherAsk::ReadEvent};
}

WatcherStep arrived(WatcherState state, EventArrived input) {
  PackedObject& object = input.event.object;
  if (const std::string& version = object.identity().resource_version; !version.empty())
    state.resource_version = version;
  state.moved = true;
  state.failures = 0;
  StoreChange change = KeepAll{};
  switch (input.event.type) {
    case WatchEvent::Type::Added:
    case WatchEvent::Type::Modified:
      change = ApplyOne{std::move(object)};
      break;
    case WatchEvent::Type::Deleted:
      change = RemoveOne{object.key()};
      break;
    case WatchEvent::Type::Bookmark:
      break;
    case WatchEvent::Type::Unreadable:
      change = LoseOne{lost(std::move(input.event))};
      break;
  }
  return {.state = std::move(state), .change = std::move(change), .ask = WatcherAsk::ReadEvent};
}

// A watch that ends soon without having said anything may be refused at once for ever. One that
// lasted was only quiet: waiting after it would delay what comes next.
constexpr std::chrono::seconds kLasting{10};

// Nothing of half a list is kept. After one that broke off a whole one is asked for, whatever the
// server offers.
WatcherStep list_again(WatcherState state, bool wait, std::chrono::milliseconds at_least) {
  const WatcherAsk ask = state.phase == Phase::Listing ? WatcherAsk::List : first_ask(state);
  state.phase = Phase::Empty;
  state.resource_version.clear();
  state.coming.clear();
  state.unreadable.clear();
  return {.state = std::move(state),
          .change = KeepAll{},
          .ask = ask,
          .back_off = wait,
          .at_least = at_least};
}

WatcherStep ended(WatcherState state, const WatchEnded& input) {
  if (state.phase == Phase::Listing) {
    state.streams = false;
    return list_again(std::move(state), false, {});
  }
  state.phase = Phase::Listed;
  const bool fruitless = !state.moved && input.lasted < kLasting;
  state.failures = fruitless ? state.failures + 1 : 0;
  return {.state = std::move(state),
          .change = KeepAll{},
          .ask = WatcherAsk::OpenWatch,
          .back_off = fruitless};
}

WatcherStep failed(WatcherState state, const base::Error& error) {
  if (refuses_to_stream(state, error)) {
    state.streams = false;
    return list_again(std::move(state), false, {});
  }
  const bool expired = error.code == base::Code::Gone;
  // The first expiry is ordinary life and answered at once; a second one in a row is not.
  const bool wait = !expired || state.failures > 0;
  ++state.failures;
  if (expired || state.phase == Phase::Empty || state.phase == Phase::Listing)
    return list_again(std::move(state), wait, error.retry_after);
  state.phase = Phase::Listed;
  return {.state = std::move(state),
          .change = KeepAll{},
          .ask = WatcherAsk::OpenWatch,
          .back_off = wait,
          .at_least = error.retry_after};
}

}  // namespace

WatcherAsk first_ask(const WatcherState& state) {
  return state.streams ? WatcherAsk::OpenWatch : WatcherAsk::List;
}

bool refuses_to_stream(const WatcherState& state, const base::Error& error) {
  return state.streams && state.phase == Phase::Empty &&
         (error.code == base::Code::InvalidArgument || error.code == base::Code::Refused ||
          error.code == base::Code::Unimplemented);
}

WatcherStep watcher_step(WatcherState state, WatcherInput input) {
  const Phase phase = state.phase;
  if (auto* list = std::get_if<ListArrived>(&input)) {
    CHECK(phase == Phase::Empty);
    return listed(std::move(state), std::move(*list));
  }
  if (auto* failure = std::get_if<StepFailed>(&input)) {
    return failed(std::move(state), failure->error);
  }
  if (std::holds_alternative<WatchOpened>(input)) {
    CHECK(phase == Phase::Listed || (phase == Phase::Empty && state.streams));
    return opened(std::move(state));
  }
  CHECK(phase == Phase::Watching || phase == Phase::Listing);
  if (auto* event = std::get_if<EventArrived>(&input)) {
    if (phase == Phase::Listing) return came(std::move(state), std::move(*event));
    return arrived(std::move(state), std::move(*event));
  }
  return ended(std::move(state), std::get<WatchEnded>(input));
}

}  // namespace kube
