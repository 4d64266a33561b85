#include "kube/watcher.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace kube {
namespace {

using Phase = WatcherState::Phase;

WatcherStep listed(WatcherState state, ListArrived input) {
  state.phase = Phase::Listed;
  state.resource_version = std::move(input.list.resource_version);
  // The failures stay: a server that lists but refuses every watch must not be listed in a circle.
  return {.state = std::move(state),
          .change = ReplaceAll{.items = std::move(input.list.items),
                               .unreadable = std::move(input.list.unreadable)},
          .ask = WatcherAsk::OpenWatch};
}

WatcherStep opened(WatcherState state) {
  state.phase = Phase::Watching;
  state.moved = false;
  return {.state = std::move(state), .change = KeepAll{}, .ask = WatcherAsk::ReadEvent};
}

WatcherStep arrived(WatcherState state, EventArrived input) {
  const std::shared_ptr<const Json>& object = input.event.object;
  if (std::string version = resource_version_of(*object); !version.empty()) {
    state.resource_version = std::move(version);
  }
  state.moved = true;
  state.failures = 0;
  StoreChange change = KeepAll{};
  switch (input.event.type) {
    case WatchEvent::Type::Added:
    case WatchEvent::Type::Modified:
      change = ApplyOne{object};
      break;
    case WatchEvent::Type::Deleted:
      change = RemoveOne{object};
      break;
    case WatchEvent::Type::Bookmark:
      break;
    case WatchEvent::Type::Unreadable:
      change = LoseOne{{.key = key_of(*object),
                        .uid = uid_of(*object),
                        .resource_version = resource_version_of(*object),
                        .reason = std::move(input.event.problem)}};
      break;
  }
  return {.state = std::move(state), .change = std::move(change), .ask = WatcherAsk::ReadEvent};
}

// A watch that ends soon without having said anything may be refused at once for ever. One that
// lasted was only quiet: waiting after it would delay what comes next.
constexpr std::chrono::seconds kLasting{10};

WatcherStep ended(WatcherState state, const WatchEnded& input) {
  state.phase = Phase::Listed;
  const bool fruitless = !state.moved && input.lasted < kLasting;
  state.failures = fruitless ? state.failures + 1 : 0;
  return {.state = std::move(state),
          .change = KeepAll{},
          .ask = WatcherAsk::OpenWatch,
          .back_off = fruitless};
}

WatcherStep failed(WatcherState state, const base::Error& error) {
  const bool expired = error.code == base::Code::Gone;
  // The first expiry is ordinary life and answered at once; a second one in a row is not.
  const bool wait = !expired || state.failures > 0;
  ++state.failures;
  if (expired || state.phase == Phase::Empty) {
    state.phase = Phase::Empty;
    state.resource_version.clear();
  } else {
    state.phase = Phase::Listed;
  }
  const WatcherAsk ask = state.phase == Phase::Empty ? WatcherAsk::List : WatcherAsk::OpenWatch;
  return {.state = std::move(state),
          .change = KeepAll{},
          .ask = ask,
          .back_off = wait,
          .at_least = error.retry_after};
}

}  // namespace

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
    CHECK(phase == Phase::Listed);
    return opened(std::move(state));
  }
  CHECK(phase == Phase::Watching);
  if (auto* event = std::get_if<EventArrived>(&input)) {
    return arrived(std::move(state), std::move(*event));
  }
  return ended(std::move(state), std::get<WatchEnded>(input));
}

}  // namespace kube
