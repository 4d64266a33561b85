#include "kube/watcher.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using kube::Json;
using kube::WatcherAsk;
using kube::WatcherInput;
using kube::WatcherState;
using kube::WatcherStep;
using kube::WatchEvent;
using Phase = kube::WatcherState::Phase;

kube::PackedObject packed(Json object) {
  return kube::PackedObject(std::make_shared<const Json>(std::move(object)));
}

kube::EventArrived event(WatchEvent::Type type, const std::string& version) {
  return {{type, packed({{"metadata", {{"name", "a"}, {"resourceVersion", version}}}}), {}}};
}

kube::StepFailed failure(base::Code code, std::chrono::milliseconds retry_after = {}) {
  return {{.code = code, .message = "x", .retry_after = retry_after}};
}

TEST_CASE("each step of a watch") {
  constexpr size_t kKeep = 0, kReplace = 1, kApply = 2, kRemove = 3, kLose = 4;
  struct Case {
    const char* name;
    WatcherState state;
    WatcherInput input;
    Phase phase;
    const char* version;
    int failures;
    size_t change;
    WatcherAsk ask;
    bool back_off;
  };
  const WatcherState empty;
  const WatcherState listed{.phase = Phase::Listed, .resource_version = "5"};
  const WatcherState watching{.phase = Phase::Watching, .resource_version = "5", .moved = true};
  const WatcherState streams{.streams = true};
  WatcherState half{.phase = Phase::Listing, .streams = true};
  half.coming[{"", "a"}] = kube::PackedObject(std::make_shared<const Json>());
  const Case cases[] = {
      {.name = "a list fills the copy",
       .state = empty,
       .input = kube::ListArrived{{.resource_version = "5"}},
       .phase = Phase::Listed,
       .version = "5",
       .failures = 0,
       .change = kReplace,
       .ask = WatcherAsk::OpenWatch,
       .back_off = false},
      {.name = "a list that fails is asked again later",
       .state = empty,
       .input = failure(base::Code::Unavailable),
       .phase = Phase::Empty,
       .version = "",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = true},
      {.name = "a watch opens",
       .state = listed,
       .input = kube::WatchOpened{},
       .phase = Phase::Watching,
       .version = "5",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "a watch that does not open keeps the copy",
       .state = listed,
       .input = failure(base::Code::Unavailable),
       .phase = Phase::Listed,
       .version = "5",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::OpenWatch,
       .back_off = true},
      {.name = "a revision that expired before the watch",
       .state = listed,
       .input = failure(base::Code::Gone),
       .phase = Phase::Empty,
       .version = "",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = false},
      {.name = "expired twice in a row",
       .state = {.phase = Phase::Listed, .resource_version = "5", .failures = 1},
       .input = failure(base::Code::Gone),
       .phase = Phase::Empty,
       .version = "",
       .failures = 2,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = true},
      {.name = "added",
       .state = watching,
       .input = event(WatchEvent::Type::Added, "6"),
       .phase = Phase::Watching,
       .version = "6",
       .failures = 0,
       .change = kApply,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "modified forgets earlier failures",
       .state = {.phase = Phase::Watching, .resource_version = "5", .failures = 7},
       .input = event(WatchEvent::Type::Modified, "6"),
       .phase = Phase::Watching,
       .version = "6",
       .failures = 0,
       .change = kApply,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "deleted",
       .state = watching,
       .input = event(WatchEvent::Type::Deleted, "6"),
       .phase = Phase::Watching,
       .version = "6",
       .failures = 0,
       .change = kRemove,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "a bookmark only moves on",
       .state = watching,
       .input = event(WatchEvent::Type::Bookmark, "9"),
       .phase = Phase::Watching,
       .version = "9",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "an object that cannot be read moves on like any other",
       .state = watching,
       .input = event(WatchEvent::Type::Unreadable, "9"),
       .phase = Phase::Watching,
       .version = "9",
       .failures = 0,
       .change = kLose,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "an event without a revision",
       .state = watching,
       .input = event(WatchEvent::Type::Added, ""),
       .phase = Phase::Watching,
       .version = "5",
       .failures = 0,
       .change = kApply,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "the server ends a watch that said something",
       .state = watching,
       .input = kube::WatchEnded{},
       .phase = Phase::Listed,
       .version = "5",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::OpenWatch,
       .back_off = false},
      {.name = "the server ends a watch that said nothing",
       .state = {.phase = Phase::Watching, .resource_version = "5"},
       .input = kube::WatchEnded{},
       .phase = Phase::Listed,
       .version = "5",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::OpenWatch,
       .back_off = true},
      {.name = "a broken watch goes on from where it was",
       .state = watching,
       .input = failure(base::Code::Unavailable),
       .phase = Phase::Listed,
       .version = "5",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::OpenWatch,
       .back_off = true},
      {.name = "expired while watching",
       .state = watching,
       .input = failure(base::Code::Gone),
       .phase = Phase::Empty,
       .version = "",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = false},
      {.name = "a watch that begins with what there is opens",
       .state = streams,
       .input = kube::WatchOpened{},
       .phase = Phase::Listing,
       .version = "",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::ReadEvent,
       .back_off = false},
      {.name = "a server that does not stream lists is asked for one at once",
       .state = streams,
       .input = failure(base::Code::InvalidArgument),
       .phase = Phase::Empty,
       .version = "",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = false},
      {.name = "one that is down is asked to stream again",
       .state = streams,
       .input = failure(base::Code::Unavailable),
       .phase = Phase::Empty,
       .version = "",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::OpenWatch,
       .back_off = true},
      {.name = "after half a list a whole one is asked for",
       .state = half,
       .input = failure(base::Code::Unavailable),
       .phase = Phase::Empty,
       .version = "",
       .failures = 1,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = true},
      {.name = "a stream that never says that all was told",
       .state = half,
       .input = kube::WatchEnded{},
       .phase = Phase::Empty,
       .version = "",
       .failures = 0,
       .change = kKeep,
       .ask = WatcherAsk::List,
       .back_off = false},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const WatcherStep step = kube::watcher_step(c.state, c.input);
      CHECK(step.state.phase == c.phase);
      CHECK(step.state.resource_version == c.version);
      CHECK(step.state.failures == c.failures);
      CHECK(step.change.index() == c.change);
      CHECK(step.ask == c.ask);
      CHECK(step.back_off == c.back_off);
      CHECK(step.state.coming.empty());
    }
  }
}

TEST_CASE("a list that a watch begins with is kept back until it is whole") {
  WatcherState state{.phase = Phase::Listing, .failures = 2, .streams = true};
  const auto tell = [&](WatchEvent::Type type, const char* name, const char* version) {
    Json object{{"metadata", {{"name", name}, {"resourceVersion", version}}}};
    WatcherStep step =
        kube::watcher_step(std::move(state), kube::EventArrived{{type, packed(object), "bad"}});
    CHECK(std::holds_alternative<kube::KeepAll>(step.change));
    CHECK(step.ask == WatcherAsk::ReadEvent);
    state = std::move(step.state);
  };
  tell(WatchEvent::Type::Added, "a", "1");
  tell(WatchEvent::Type::Added, "b", "2");
  tell(WatchEvent::Type::Added, "c", "3");
  tell(WatchEvent::Type::Bookmark, "", "4");
  tell(WatchEvent::Type::Modified, "b", "5");
  tell(WatchEvent::Type::Deleted, "c", "6");
  tell(WatchEvent::Type::Unreadable, "d", "7");
  const Json end{
      {"metadata",
       {{"resourceVersion", "8"}, {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}};
  const WatcherStep step = kube::watcher_step(
      std::move(state), kube::EventArrived{{WatchEvent::Type::Bookmark, packed(end), {}}});
  CHECK(step.state.phase == Phase::Watching);
  CHECK(step.state.resource_version == "8");
  CHECK(step.state.failures == 2);
  CHECK(step.state.coming.empty());
  REQUIRE(std::holds_alternative<kube::ReplaceAll>(step.change));
  const auto& all = std::get<kube::ReplaceAll>(step.change);
  REQUIRE(all.items.size() == 2);
  CHECK(kube::resource_version_of(*all.items.begin()->second.object()) == "1");
  CHECK(kube::resource_version_of(*all.items.rbegin()->second.object()) == "5");
  for (const auto& [key, item] : all.items)
    CHECK_FALSE(item.has_tree());
  REQUIRE(all.unreadable.size() == 1);
  CHECK(all.unreadable[0].key.name == "d");
}

TEST_CASE("a server that asks for patience gets it") {
  const WatcherStep step =
      kube::watcher_step({}, failure(base::Code::ResourceExhausted, std::chrono::seconds{9}));
  CHECK(step.back_off);
  CHECK(step.at_least == std::chrono::seconds{9});
}

TEST_CASE("listing does not forgive a server that refuses every watch") {
  WatcherState state;
  for (int round = 1; round <= 5; ++round) {
    state = kube::watcher_step(state, kube::ListArrived{{.resource_version = "5"}}).state;
    const WatcherStep step = kube::watcher_step(state, failure(base::Code::Gone));
    CHECK(step.state.failures == round);
    CHECK(step.back_off == (round > 1));
    state = step.state;
  }
}

}  // namespace
