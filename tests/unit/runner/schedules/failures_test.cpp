#include "runner/schedules/reconciler.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

using base::Code;
using nlohmann::json;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

TEST_CASE("A name that somebody else has taken is an error that people see") {
  ScheduleWorld world;
  json foreign = world.schedule();
  foreign = {{"metadata",
              {{"name", "job-20260101t090000z"},
               {"namespace", "etl"},
               {"labels", {{"sparkoperator.k8s.io/scheduled-app-name", "job"}}}}},
             {"spec", json::object()}};
  REQUIRE(world.api.create(config::spark_applications(), foreign).has_value());
  CHECK(world.reconcile_at("2026-01-01T09:00:00Z").wake_at == wall("2026-01-01T09:00:10Z"));
  CHECK(world.condition("Ready")["reason"] == "NameTaken");
  CHECK(world.condition("Ready")["message"] ==
        "SparkApplication job-20260101t090000z exists and does not belong to this schedule; rename "
        "or delete it");
  CHECK(world.events_with("Warning NameTaken") == 1);
  CHECK(world.status()["counts"]["started"] == 0);
  world.api.erase(config::spark_applications(), {"etl", "job-20260101t090000z"});
  world.reconcile_at("2026-01-01T09:00:30Z");
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(world.status()["counts"]["started"] == 1);
}

TEST_CASE("A refused creation is tried again, or skipped where it never can succeed") {
  struct Case {
    std::string name;
    base::Error error;
    std::string reason;
    bool tries_again;
  };
  const Case cases[] = {
      {.name = "quota",
       .error = {Code::Forbidden, "exceeded quota: runs"},
       .reason = "CreateRefused",
       .tries_again = true},
      {.name = "invalid",
       .error = {Code::Refused, "spec.type: Unsupported value"},
       .reason = "CreateRefused",
       .tries_again = true},
      {.name = "terminating",
       .error = {Code::Forbidden,
                 "unable to create new content in namespace etl because it is being terminated"},
       .reason = "NamespaceTerminating",
       .tries_again = false},
      {.name = "the words of a webhook",
       .error = {Code::Forbidden,
                 "admission webhook \"x\" denied the request: the cluster is being terminated"},
       .reason = "CreateRefused",
       .tries_again = true},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      ScheduleWorld world;
      world.api.before = [&](const tests::ApiCall& call) -> std::optional<base::Error> {
        if (call.verb == "create") return c.error;
        return std::nullopt;
      };
      world.reconcile_at("2026-01-01T09:00:00Z");
      CHECK(world.condition("Ready")["status"] == "False");
      CHECK(world.condition("Ready")["reason"] == c.reason);
      CHECK(world.condition("Ready")["message"] ==
            "create job-20260101t090000z: " + c.error.message);
      CHECK(world.events_with("Warning " + c.reason) == 1);
      CHECK(world.status()["counts"]["skipped"] == (c.tries_again ? 0 : 1));
      world.api.before = nullptr;
      world.reconcile_at("2026-01-01T09:00:40Z");
      CHECK(world.status()["counts"]["started"] == (c.tries_again ? 1 : 0));
    }
  }
}

TEST_CASE("A failing API starts nothing twice and nothing never") {
  struct Case {
    const char* policy;
    std::vector<std::string> calls;  // of a start, in order
  };
  const Case cases[] = {{.policy = "Allow", .calls = {"get", "create", "update"}},
                        {.policy = "Forbid", .calls = {"get", "list", "create", "update"}},
                        {.policy = "Replace", .calls = {"get", "list", "create", "update"}}};
  for (const Case& c : cases) {
    ScheduleWorld world(json::object({{"concurrencyPolicy", c.policy}}));
    for (const std::string& verb : c.calls) {
      world.restart();
      world.api.before = [&](const tests::ApiCall& call) -> std::optional<base::Error> {
        if (call.verb == verb) return base::Error{Code::Unavailable, "503"};
        return std::nullopt;
      };
      world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
      INFO(c.policy << " without " << verb);
      CHECK_FALSE(world.try_to_reconcile().has_value());
    }
    world.api.before = nullptr;
    world.reconcile();
    CHECK(world.runs() == Names{"job-20260101t090000z"});
    CHECK(world.status()["counts"]["started"] == 1);
  }
}

TEST_CASE("A status or a ledger that refuses ends no schedule, and people see why") {
  ScheduleWorld world;
  const base::Error refusal{Code::Refused, "admission webhook \"w\" denied the request"};
  const auto fail = [&](int failures) {
    const auto done = world.try_to_reconcile();
    REQUIRE_FALSE(done.has_value());
    world.reconciler.failing(world.key, done.error(), failures);
  };
  const bool status_refuses = GENERATE(true, false);
  CAPTURE(status_refuses);
  if (status_refuses) {
    world.api.before = [&](const tests::ApiCall& call) -> std::optional<base::Error> {
      if (call.subresource == "status") return refusal;
      return std::nullopt;
    };
  } else {
    world.recorder.before = [&](const std::string&) -> std::optional<base::Error> {
      return base::Error{Code::Corrupt, "ledger.db is damaged"};
    };
  }
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  for (int failures = 1; failures < 5; ++failures)
    fail(failures);
  CHECK(world.events_with("Warning ReconcileFailing: a step failed and is tried again: ") == 1);
  if (!status_refuses) {
    CHECK(world.condition("Ready")["status"] == "False");
    CHECK(world.condition("Ready")["reason"] == "ReconcileFailing");
  }
  world.api.before = nullptr;
  world.recorder.before = nullptr;
  world.reconcile();
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(world.runs() == Names{"job-20260101t090000z"});
  CHECK(world.status()["counts"]["started"] == 1);
}

TEST_CASE("Slots that are passed at first sight skip no run that a refused status has hidden") {
  ScheduleWorld world({{"concurrencyPolicy", "Forbid"}, {"successfulRunHistoryLimit", 0}});
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.restart();
  world.cache.follow();
  const json spec{{"concurrencyPolicy", "Forbid"}, {"successfulRunHistoryLimit", 0}};
  REQUIRE(world.api.create(config::scheduled_spark_applications(), tests::schedule_object(spec))
              .has_value());
  world.api.before = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    if (call.subresource != "status") return std::nullopt;
    return base::Error{Code::Refused, "admission webhook \"w\" denied the request"};
  };
  const auto refused_at = [&](std::string_view time) {
    world.clock.set_wall(wall(time));
    REQUIRE_FALSE(world.try_to_reconcile().has_value());
  };
  refused_at("2026-01-01T09:00:00Z");
  world.end("job-20260101t090000z");
  refused_at("2026-01-01T10:00:00Z");  // starts the next one and prunes the first
  REQUIRE(world.runs() == Names{"job-20260101t100000z"});
  world.api.before = nullptr;
  // Blocked by the second run: nothing starts, so the cache would do but for what is passed.
  world.reconcile_at("2026-01-01T12:00:00Z");
  CHECK(world.status()["counts"]["started"] == 2);
  for (const auto& [key, skip] : world.recorder.skips) {
    CHECK_FALSE(
        (skip.from <= wall("2026-01-01T09:00:00Z") && wall("2026-01-01T09:00:00Z") <= skip.to));
  }
  CHECK(world.recorder.skips.size() == 1);
}

TEST_CASE(
    "After a restart a template that was fit is checked within seconds, and before it starts "
    "anything") {
  ScheduleWorld world;
  int checks = 0;
  std::optional<base::Error> problem;
  const auto restarted = [&] {
    checks = 0;
    return std::make_unique<runner::schedules::ScheduleReconciler>(
        world.api, world.cache, world.events, world.recorder, world.clock,
        runner::schedules::ScheduleOptions{.check_template = [&](const json&) {
          ++checks;
          return problem;
        }});
  };
  const auto round = [&](runner::schedules::ScheduleReconciler& reconciler) {
    const auto done = reconciler.reconcile(world.key);
    REQUIRE(done.has_value());
    return *done;
  };
  SECTION("later, and once") {
    const auto reconciler = restarted();
    const kube::Reconciled first = round(*reconciler);
    CHECK_FALSE(first.again);
    REQUIRE(first.wake_at);
    CHECK(*first.wake_at >= world.clock.now() + std::chrono::seconds(1));
    CHECK(*first.wake_at <= world.clock.now() + std::chrono::seconds(5));
    CHECK(checks == 0);
    CHECK_FALSE(round(*reconciler).again);
    CHECK(checks == 1);
    CHECK_FALSE(round(*reconciler).again);
    CHECK(checks == 1);
    CHECK(world.condition("Ready")["status"] == "True");
  }
  SECTION("at once if something is to start") {
    problem = base::Error{Code::InvalidArgument, "no longer known"};
    world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
    const auto reconciler = restarted();
    CHECK_FALSE(round(*reconciler).again);
    CHECK(checks == 1);
    CHECK(world.runs().empty());
    CHECK(world.condition("Ready")["reason"] == "InvalidTemplate");
    // What was found unfit is not believed.
    const auto next = restarted();
    CHECK_FALSE(round(*next).again);
    CHECK(checks == 1);
  }
  SECTION("at once if it was edited meanwhile") {
    world.edit("/spec/template/driver", {{"memory", "1g"}});
    const auto reconciler = restarted();
    CHECK_FALSE(round(*reconciler).again);
    CHECK(checks == 1);
  }
}

TEST_CASE("A template that can never be submitted says so before its first slot") {
  ScheduleWorld world;
  world.edit("/spec/template/driver", {{"memory", "lots"}});
  std::optional<base::Error> problem =
      base::Error{Code::InvalidArgument, "spec.template.driver.memory: \"lots\" is no size"};
  runner::schedules::ScheduleReconciler reconciler(
      world.api, world.cache, world.events, world.recorder, world.clock,
      {.check_template = [&](const json&) { return problem; }});
  REQUIRE(reconciler.reconcile(world.key).has_value());
  CHECK(world.condition("Ready")["reason"] == "InvalidTemplate");
  CHECK(world.condition("Ready")["message"] == problem->message);
  CHECK(world.events_with("Warning InvalidTemplate: spec.template.driver.memory") == 1);
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  REQUIRE(reconciler.reconcile(world.key).has_value());
  CHECK(world.runs().empty());
  CHECK(world.condition("Suspended")["status"] == "False");
  problem.reset();
  world.edit("/spec/template/driver", {{"memory", "1g"}});
  world.clock.set_wall(wall("2026-01-01T09:10:00Z"));
  REQUIRE(reconciler.reconcile(world.key).has_value());
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(world.runs().empty());
  world.clock.set_wall(wall("2026-01-01T10:00:00Z"));
  REQUIRE(reconciler.reconcile(world.key).has_value());
  CHECK(world.runs() == Names{"job-20260101t100000z"});
}
