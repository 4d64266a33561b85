// Drivers that cannot be created yet, through nobody's fault: an API server that is throttling,
// somebody's webhook that is down, a quota that is used up. Nothing has failed.

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "runner/refusal.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using base::Code;
using std::chrono::seconds;

constexpr const char* kWebhookIsDown =
    "Internal error occurred: failed calling webhook \"policy.example.com\": failed to call "
    "webhook: Post \"https://policy.ops.svc:443/check\": connect: connection refused";

size_t pods_asked_for(const ApplicationWorld& world) {
  return static_cast<size_t>(std::count_if(
      world.api.calls.begin(), world.api.calls.end(),
      [](const ApiCall& call) { return call.verb == "create" && call.plural == "pods"; }));
}

// Time passes to where the controller wants to look again, until `end`.
void live_until(ApplicationWorld& world, base::WallTime end) {
  for (kube::Reconciled last = world.settle(); last.wake_at && *last.wake_at <= end;
       last = world.settle())
    world.clock.set_wall(*last.wake_at);
  world.clock.set_wall(end);
  world.settle();
}

}  // namespace

TEST_CASE("a driver that a webhook which is down keeps from being made is held, and says so") {
  for (const Code code : {Code::Unavailable, Code::ResourceExhausted}) {
    for (const char* policy : {"Never", "OnFailure", "Always"}) {
      ApplicationWorld world;
      world.refuse_pods(code, kWebhookIsDown);
      world.apply({{"restartPolicy", {{"type", policy}, {"onSubmissionFailureRetries", 0}}}});
      world.settle();
      CHECK(world.state() == "");
      CHECK(world.error() == std::string("waiting: ") + kWebhookIsDown);
      const std::string reason = base::string_at(world.application(), {"status", "reason"});
      CHECK(reason.starts_with("waiting: Internal error occurred: failed calling webhook"));
      CHECK(world.events_with("SparkApplicationWaiting") == 1);
      live_until(world, world.clock.now() + seconds{3600});
      // Not a failed run, not a failed attempt, and the same names each time.
      CHECK(world.application()["status"]["executionAttempts"] == 0);
      CHECK(world.api.peek_all(kube::config_maps()).size() <= 2);
      world.api.before = nullptr;
      live_until(world, world.clock.now() + seconds{60});
      CHECK(world.state() == "SUBMITTED");
      CHECK(world.error() == "");
      CHECK(world.application()["status"]["executionAttempts"] == 1);
      CHECK(world.api.peek_all(kube::pods()).size() == 1);
    }
  }
}

TEST_CASE("what is held is asked for again with growing pauses, a minute at most") {
  ApplicationWorld world;
  world.refuse_pods(Code::ResourceExhausted, "too many requests");
  world.apply();
  live_until(world, world.clock.now() + seconds{64});
  // 1, 1, 2, 4, 8, 16 and 32 s, and once more for the status that it has written itself.
  CHECK(pods_asked_for(world) >= 7);
  CHECK(pods_asked_for(world) <= 9);
  const size_t before = pods_asked_for(world);
  live_until(world, world.clock.now() + seconds{3600});
  CHECK(pods_asked_for(world) - before >= 58);
  CHECK(pods_asked_for(world) - before <= 62);
}

TEST_CASE("a text that changes with every refusal makes no loop") {
  ApplicationWorld world;
  int tries = 0;
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb != "create" || call.plural != "pods") return std::nullopt;
    return base::Error{Code::Unavailable, "down, try " + std::to_string(++tries)};
  };
  world.apply();
  for (int i = 0; i < 20; ++i)
    CHECK(world.reconcile().has_value());
  CHECK(tries == 1);
}

TEST_CASE("a held driver ends with the pending deadline, or that of its schedule") {
  ApplicationWorld world;
  world.refuse_pods(Code::Unavailable, kWebhookIsDown);
  SECTION("pendingDeadlineSeconds") {
    world.apply({{"pendingDeadlineSeconds", 90}});
    live_until(world, world.clock.now() + seconds{89});
    CHECK(world.state() == "");
    live_until(world, world.clock.now() + seconds{2});
    CHECK(world.error() ==
          std::string("not submitted within 90 s (waiting: ") + kWebhookIsDown + ")");
  }
  SECTION("startingDeadlineSeconds") {
    const std::string now = "2026-01-01T00:00:00Z";
    const auto schedule =
        world.api.create(config::scheduled_spark_applications(),
                         {{"metadata", {{"name", "nightly"}, {"namespace", "etl"}}},
                          {"spec", {{"startingDeadlineSeconds", 60}}}});
    REQUIRE(schedule.has_value());
    json run = application_object();
    run["metadata"]["annotations"][config::kScheduledTimeAnnotation] = now;
    run["metadata"]["ownerReferences"] = json::array({kube::controller_reference(
        config::kApiVersion, config::kScheduleKind, "nightly", kube::uid_of(*schedule))});
    REQUIRE(world.api.create(config::spark_applications(), run).has_value());
    live_until(world, world.clock.now() + seconds{59});
    CHECK(world.state() == "");
    live_until(world, world.clock.now() + seconds{2});
    CHECK(world.error().starts_with(
        "not submitted within the schedule's startingDeadlineSeconds (waiting: "));
  }
  CHECK(world.state() == "FAILED");
  CHECK(world.driver().is_null());
  CHECK(world.api.peek_all(kube::config_maps()).empty());
  CHECK(world.api.peek_all(kube::services()).empty());
}

TEST_CASE("an edit ends the pause of a driver that is held") {
  ApplicationWorld world;
  world.refuse_pods(Code::Unavailable, "webhook down");
  world.apply();
  live_until(world, world.clock.now() + seconds{600});
  const size_t before = pods_asked_for(world);
  world.edit("/spec/arguments", json::array({"other"}));
  world.api.before = nullptr;
  world.settle();
  CHECK(pods_asked_for(world) == before + 1);
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("a driver whose creation was answered by an error, but has happened, is adopted") {
  ApplicationWorld world;
  world.api.after = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "create" && call.plural == "pods")
      return base::Error{Code::Unavailable, "the answer was lost"};
    return std::nullopt;
  };
  world.apply();
  CHECK(world.reconcile().has_value());
  const std::string pod = kube::uid_of(world.driver());
  REQUIRE_FALSE(pod.empty());
  SECTION("as it is") {
    world.api.after = nullptr;
    world.settle();
    CHECK(world.state() == "SUBMITTED");
    CHECK(kube::uid_of(world.driver()) == pod);
  }
  SECTION("or stopped first, if an edit has given the driver another name meanwhile") {
    world.api.after = nullptr;
    world.edit("/spec/driver/podName", "elsewhere");
    world.settle();
    CHECK(kube::is_deleting(world.driver()));
    CHECK(world.driver("elsewhere").is_null());
  }
  CHECK(world.api.peek_all(kube::pods()).size() == 1);
}

TEST_CASE("a clock that was years ahead holds nothing once it is right") {
  ApplicationWorld world;
  const base::WallTime now = world.clock.now();
  world.refuse_pods(Code::Unavailable, "webhook down");
  world.apply();
  world.clock.set_wall(now + std::chrono::hours{100'000});
  world.settle();
  world.clock.set_wall(now + seconds{60});
  world.api.before = nullptr;
  world.settle();
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("what the API server's own validation refuses is not tried again") {
  ApplicationWorld world;
  const std::string invalid =
      "Pod \"pi-driver\" is invalid: spec.containers[0].image: Required value";
  world.refuse_pods(Code::Refused, invalid);
  world.apply({{"restartPolicy", {{"type", "Always"}}}});
  world.settle();
  CHECK(world.state() == "FAILED");
  CHECK(world.error() == invalid);
  CHECK(pods_asked_for(world) == 1);
  CHECK(world.api.peek_all(kube::config_maps()).empty());
}

TEST_CASE("a message of any size leaves room in the status, and is told once") {
  for (const Code code : {Code::Refused, Code::Unavailable}) {
    ApplicationWorld world;
    std::string words;
    while (words.size() < 2'000'000)
      words += "wörter ";
    world.refuse_pods(code, words);
    world.apply();
    world.settle();
    CHECK(world.error().size() <= 8200);
    CHECK(world.error().ends_with("…"));
    const size_t told = world.events.notes.size();
    world.settle();
    CHECK(world.events.notes.size() == told);
    for (const std::string& note : world.events.notes)
      CHECK(note.size() < 1024);
  }
}

TEST_CASE("which refusals are for good") {
  using runner::is_for_good;
  CHECK(is_for_good("Service \"a-ui-svc\" is invalid: spec.ports: Required value"));
  CHECK_FALSE(is_for_good("admission webhook \"p.example.com\" denied the request: no"));
  CHECK_FALSE(is_for_good(
      "admission webhook \"p.example.com\" denied the request: Pod \"x\" is invalid: because"));
  CHECK_FALSE(is_for_good("admission webhook \"p\" is invalid: or so it says"));
  CHECK_FALSE(is_for_good("pods \"pi-driver\" is forbidden: exceeded quota: small"));
  CHECK_FALSE(is_for_good(""));
  CHECK_FALSE(is_for_good("\""));
}

TEST_CASE("a driver that was made is adopted, whatever refuses to make it again") {
  // Quotas and webhooks speak before the API server sees that the name is taken.
  for (const Code code : {Code::Forbidden, Code::Refused, Code::Unavailable}) {
    ApplicationWorld world;
    world.apply({{"pendingDeadlineSeconds", 90}, {"activeDeadlineSeconds", 600}});
    world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
      if (call.subresource == "status") return base::Error{Code::Conflict, "lost"};
      return std::nullopt;
    };
    CHECK_FALSE(world.reconcile().has_value());
    const std::string pod = kube::uid_of(world.driver());
    REQUIRE_FALSE(pod.empty());
    int tries = 0;
    world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb != "create" || call.plural != "pods") return std::nullopt;
      return base::Error{code, "exceeded quota, try " + std::to_string(++tries)};
    };
    world.drivers_phase("Running");
    world.settle();
    CHECK(world.state() == "RUNNING");
    CHECK(kube::uid_of(world.driver()) == pod);
    CHECK(world.application()["status"]["executionAttempts"] == 1);
    CHECK(tries <= 1);
  }
}

TEST_CASE("a driver that was made before the pending deadline is no failure at it") {
  ApplicationWorld world;
  bool lost = false;
  world.api.after = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb != "create" || call.plural != "pods") return std::nullopt;
    lost = true;
    return base::Error{Code::Unavailable, "the answer was lost"};
  };
  // Nor can it be looked at.
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (!lost || call.verb != "get" || call.plural != "pods") return std::nullopt;
    return base::Error{Code::Unavailable, "away"};
  };
  world.apply({{"pendingDeadlineSeconds", 90}});
  CHECK(world.reconcile().has_value());
  const std::string pod = kube::uid_of(world.driver());
  REQUIRE_FALSE(pod.empty());
  REQUIRE(world.state() == "");
  world.api.after = nullptr;
  world.api.before = nullptr;
  world.clock.set_wall(world.clock.now() + seconds{91});
  world.settle();
  CHECK(world.state() != "FAILED");
  CHECK(kube::uid_of(world.driver()) == pod);
}

TEST_CASE("a rerun that is given up ends when it is given up") {
  ApplicationWorld world;
  world.apply({{"restartPolicy", {{"type", "Always"}}}, {"pendingDeadlineSeconds", 90}});
  world.settle();
  world.drivers_phase("Failed");
  world.settle();
  world.api.erase(kube::pods(), world.driver_key);
  world.refuse_pods(Code::Unavailable, kWebhookIsDown);
  live_until(world, world.clock.now() + seconds{200});
  REQUIRE(world.state() == "FAILED");
  const auto end = base::string_at(world.application(), {"status", "terminationTime"});
  CHECK(end > "2026-01-01T00:01:00Z");
}

}  // namespace tests
