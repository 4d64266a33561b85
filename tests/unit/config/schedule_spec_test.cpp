#include "config/schedule_spec.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using config::parse_schedule_spec;
using nlohmann::json;
using scheduler::Concurrency;
using scheduler::MissedRuns;

namespace {

json object_with(const json& spec) {
  json object{
      {"metadata",
       {{"name", "nightly"}, {"namespace", "etl"}, {"creationTimestamp", "2026-01-01T08:17:05Z"}}},
      {"spec", {{"schedule", "0 2 * * *"}, {"template", json::object()}}}};
  object["spec"].merge_patch(spec);
  return object;
}

std::string problem(const json& spec) {
  const auto parsed = parse_schedule_spec(object_with(spec), "UTC");
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("A minimal schedule gets the documented defaults") {
  const auto parsed = parse_schedule_spec(object_with(json::object()), "Europe/Berlin");
  REQUIRE(parsed.has_value());
  const scheduler::Policy& policy = parsed->spec.policy;
  CHECK(parsed->spec.name == "nightly");
  CHECK(parsed->spec.trigger.empty());
  CHECK(parsed->spec.fingerprint == "0 2 * * * | Europe/Berlin | Vixie");
  CHECK(policy.concurrency == Concurrency::Allow);
  CHECK(policy.missed == MissedRuns::Latest);
  CHECK_FALSE(policy.suspended);
  CHECK_FALSE(policy.starting_deadline.has_value());
  CHECK(policy.max_catch_up_runs == 100);
  CHECK(policy.keep_succeeded == 1);
  CHECK(policy.keep_failed == 1);
}

TEST_CASE("Every field of a schedule is read") {
  json object = object_with({{"timeZone", "America/New_York"},
                             {"suspend", true},
                             {"concurrencyPolicy", "Replace"},
                             {"missedRunPolicy", "All"},
                             {"maxCatchUpRuns", 7},
                             {"startingDeadlineSeconds", 600},
                             {"dstPolicy", "Once"},
                             {"successfulRunHistoryLimit", 0},
                             {"failedRunHistoryLimit", 5}});
  object["metadata"]["annotations"] = {{"sparkoperator.k8s.io/trigger", "x"}};
  const auto parsed = parse_schedule_spec(object, "UTC");
  REQUIRE(parsed.has_value());
  const scheduler::Policy& policy = parsed->spec.policy;
  CHECK(parsed->spec.trigger == "x");
  CHECK(parsed->spec.fingerprint == "0 2 * * * | America/New_York | Once");
  CHECK(parsed->spec.schedule->zone().name() == "America/New_York");
  CHECK(policy.suspended);
  CHECK(policy.concurrency == Concurrency::Replace);
  CHECK(policy.missed == MissedRuns::All);
  CHECK(policy.max_catch_up_runs == 7);
  CHECK(policy.starting_deadline == std::chrono::seconds(600));
  CHECK(policy.keep_succeeded == 0);
  CHECK(policy.keep_failed == 5);
}

TEST_CASE("Runs may overlap as the table of policies says") {
  for (const Concurrency policy : scheduler::kConcurrencies) {
    const scheduler::ConcurrencyRules& rules = scheduler::rules_of(policy);
    CAPTURE(rules.name);
    CHECK(config::runs_may_overlap(object_with({{"concurrencyPolicy", rules.name}})) ==
          rules.overlaps);
  }
  // Absent: the default. What nobody knows is allowed by nobody.
  CHECK(config::runs_may_overlap(object_with(json::object())));
  CHECK_FALSE(config::runs_may_overlap(object_with({{"concurrencyPolicy", "allow"}})));
  CHECK_FALSE(config::runs_may_overlap(object_with({{"concurrencyPolicy", 1}})));
}

TEST_CASE("Local and empty zones are the service's") {
  for (const char* zone : {"", "Local"}) {
    const auto parsed = parse_schedule_spec(object_with({{"timeZone", zone}}), "Asia/Tokyo");
    REQUIRE(parsed.has_value());
    CHECK(parsed->spec.schedule->zone().name() == "Asia/Tokyo");
  }
}

TEST_CASE("@every counts from the creation") {
  const auto parsed = parse_schedule_spec(object_with({{"schedule", "@every 1h"}}), "UTC");
  REQUIRE(parsed.has_value());
  const auto created = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} +
                       std::chrono::seconds(8 * 3600 + 17 * 60 + 5);
  CHECK(parsed->spec.schedule->next(created) == created + std::chrono::hours(1));
}

TEST_CASE("Wrong fields are named with what is wrong") {
  struct Case {
    json spec;
    std::string message;
  };
  const Case cases[] = {
      {.spec = {{"schedule", "75 * * * *"}},
       .message = "spec.schedule: minute: 75 is out of range 0-59 (at 0)"},
      {.spec = {{"schedule", nullptr}}, .message = "spec.schedule: is required"},
      {.spec = {{"schedule", 5}}, .message = "spec.schedule: must be a string, not number"},
      {.spec = {{"timeZone", "Mars/Olympus"}},
       .message = "spec.timeZone: unknown time zone \"Mars/Olympus\" (a zone goes by the name of a "
                  "place, such as Europe/Berlin)"},
      {.spec = {{"concurrencyPolicy", "Forbd"}},
       .message = "spec.concurrencyPolicy: \"Forbd\" is not one of Allow, Forbid, Replace"},
      {.spec = {{"missedRunPolicy", "latest"}},
       .message = "spec.missedRunPolicy: \"latest\" is not one of Latest, Skip, All"},
      {.spec = {{"dstPolicy", "None"}},
       .message = "spec.dstPolicy: \"None\" is not one of Vixie, Kubernetes, Once"},
      {.spec = {{"failedRunHistoryLimit", -1}},
       .message = "spec.failedRunHistoryLimit: -1 is less than 0"},
      {.spec = {{"successfulRunHistoryLimit", 4294967296}},
       .message = "spec.successfulRunHistoryLimit: 4294967296 is more than 2147483647"},
      {.spec = {{"startingDeadlineSeconds", 18446744073709551615ull}},
       .message = "spec.startingDeadlineSeconds: 18446744073709551615 is more than "
                  "9223372036854775807"},
      {.spec = {{"maxCatchUpRuns", 0}}, .message = "spec.maxCatchUpRuns: 0 is less than 1"},
      {.spec = {{"suspend", "yes"}}, .message = "spec.suspend: must be true or false, not string"},
      {.spec = {{"template", nullptr}}, .message = "spec.template: is required"},
      {.spec = {{"concurrencyPolicy", "No"}, {"failedRunHistoryLimit", -2}},
       .message = "spec.concurrencyPolicy: \"No\" is not one of Allow, Forbid, Replace; "
                  "spec.failedRunHistoryLimit: -2 is less than 0"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.message) {
      CHECK(problem(c.spec) == c.message);
    }
  }
  CHECK_FALSE(parse_schedule_spec(json::array(), "UTC").has_value());
}

TEST_CASE("A zone that is overruled by TZ= is said, and the one in force is known") {
  const auto parsed = parse_schedule_spec(
      object_with({{"schedule", "TZ=Asia/Tokyo 0 2 * * *"}, {"timeZone", "Europe/Berlin"}}), "UTC");
  REQUIRE(parsed.has_value());
  CHECK(parsed->spec.schedule->zone().name() == "Asia/Tokyo");
  CHECK(parsed->warnings == std::vector<std::string>{"spec.timeZone: Europe/Berlin is overruled by "
                                                     "Asia/Tokyo in spec.schedule"});
}

TEST_CASE("The sign of Etc/GMT zones is said") {
  const auto parsed = parse_schedule_spec(object_with({{"timeZone", "Etc/GMT+8"}}), "UTC");
  REQUIRE(parsed.has_value());
  CHECK(parsed->warnings ==
        std::vector<std::string>{
            "spec.timeZone: Etc/GMT+8 is 8 h behind UTC: its sign is that of POSIX"});
}
