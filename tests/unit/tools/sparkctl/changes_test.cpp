// What changes something: create, suspend, resume, delete, stop, retry, trigger.

#include <string>
#include <thread>

#include "tests/unit/tools/sparkctl/desk.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace {

using kube::Json;
using namespace sparkctl;
using tests::Desk;
using tests::fill;

TEST_CASE("create") {
  Desk desk;
  SECTION("several documents, in the session's namespace unless they name one") {
    desk.in.str(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n---\n"
        "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: ScheduledSparkApplication\n"
        "metadata: {name: job, namespace: other}\nspec: {schedule: '@daily'}\n");
    REQUIRE(create(desk.session, {"-"}));
    CHECK(desk.out.str() ==
          "configmap/conf created\nscheduledsparkapplication.sparkoperator.k8s.io/job created\n");
    CHECK(desk.api.get(kube::config_maps(), {"team", "conf"}).has_value());
    CHECK(desk.api.get(config::scheduled_spark_applications(), {"other", "job"}).has_value());
  }
  SECTION("nothing is created when one cannot be") {
    desk.in.str(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n");
    const auto done = create(desk.session, {"-"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message ==
          "standard input: sparkctl does not create a Deployment of apps/v1; use kubectl for it");
    CHECK_FALSE(desk.api.get(kube::config_maps(), {"team", "conf"}).has_value());
  }
  SECTION("no such file") {
    const auto done = create(desk.session, {"/nonexistent.yaml"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message == "read /nonexistent.yaml: No such file or directory");
    CHECK(exit_code_of(done.error()) == kNotFound);
  }
  SECTION("empty input") {
    CHECK(create(desk.session, {"-"}).error().message == "nothing to create");
  }
}

TEST_CASE("suspend, resume and delete") {
  Desk desk;
  fill(desk);
  const kube::ObjectKey key{"team", "nightly"};
  REQUIRE(set_suspension(desk.session, {"nightly"}, Suspension::Suspend));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key)["spec"]["suspend"] == true);
  REQUIRE(set_suspension(desk.session, {"nightly"}, Suspension::Resume));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key)["spec"]["suspend"] == false);
  REQUIRE(remove(desk.session, {"nightly"}));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key).is_null());
  CHECK(desk.out.str() ==
        "scheduledsparkapplication.sparkoperator.k8s.io/nightly "
        "suspended\nscheduledsparkapplication.sparkoperator.k8s.io/nightly resumed\n"
        "scheduledsparkapplication.sparkoperator.k8s.io/nightly deleted\n");
  CHECK(set_suspension(desk.session, {"nightly"}, Suspension::Suspend).error().message ==
        "no schedule \"nightly\" in namespace \"team\"; sparkctl list -A shows all");
}

TEST_CASE("what -o name prints is taken as a name") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly", "paused", "COMPLETED", "2026-11-19T01:00:00Z");
  const std::string schedule = "scheduledsparkapplication.sparkoperator.k8s.io/nightly";
  const std::string run = "sparkapplication.sparkoperator.k8s.io/nightly";
  REQUIRE(remove(desk.session, {run}));
  CHECK(desk.api.peek(config::spark_applications(), {"team", "nightly"}).is_null());
  CHECK_FALSE(desk.api.peek(config::scheduled_spark_applications(), {"team", "nightly"}).is_null());
  REQUIRE(set_suspension(desk.session, {schedule}, Suspension::Suspend));
  CHECK(desk.out.str() == run + " deleted\n" + schedule + " suspended\n");
  CHECK(remove(desk.session, {run}).error().code == base::Code::NotFound);
  CHECK(set_suspension(desk.session, {run}, Suspension::Suspend).error().message ==
        "\"" + run + "\" is no schedule");
  CHECK(get(desk.session, {"pod/x"}).error().message ==
        "\"pod/x\" names neither a schedule nor a run");
}

TEST_CASE("stop keeps the run and says who stopped it") {
  Desk desk;
  fill(desk);
  desk.session.user = "jane";
  SECTION("while its driver lives") {
    desk.add_run("nightly-a", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
    // Somebody writes meanwhile: decided again.
    desk.api.fail("patch", {.code = base::Code::Conflict, .message = "changed"});
    REQUIRE(stop(desk.session, {"nightly-a"}));
    const Json run = desk.api.peek(config::spark_applications(), {"team", "nightly-a"});
    CHECK(base::string_at(run, {"status", "stopReason"}).starts_with("stopped by "));
    CHECK(base::string_at(run, {"status", "applicationState", "state"}) == "RUNNING");
    CHECK(desk.out.str() == "sparkapplication.sparkoperator.k8s.io/nightly-a is being stopped\n");
  }
  SECTION("not when it has ended") {
    desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
    REQUIRE(stop(desk.session, {"nightly-a"}));
    CHECK(desk.err.str() == "nightly-a has ended already: COMPLETED\n");
    CHECK(desk.out.str().empty());
  }
  SECTION("not when there is no driver") {
    desk.add_run("nightly-a", "nightly", "PENDING_RERUN", "2026-11-20T23:00:00Z");
    CHECK(stop(desk.session, {"nightly-a"}).error().message ==
          "nightly-a is PENDING_RERUN: it has no driver that could be stopped; sparkctl delete "
          "nightly-a keeps it from starting one");
  }
  SECTION("not a schedule") {
    CHECK(stop(desk.session, {"nightly"}).error().message ==
          "\"nightly\" is a schedule; sparkctl list runs nightly shows its runs");
  }
}

TEST_CASE("retry is for runs that failed") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "FAILED", "2026-11-20T23:00:00Z");
  desk.add_run("nightly-b", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
  REQUIRE(retry(desk.session, {"nightly-a"}));
  const Json run = desk.api.peek(config::spark_applications(), {"team", "nightly-a"});
  CHECK(base::string_at(run, {"status", "applicationState", "state"}) == "PENDING_RERUN");
  CHECK(base::string_at(run, {"status", "applicationState", "errorMessage"})
            .starts_with("retried by "));
  CHECK(base::integer_at(run, {"status", "executionAttempts"}) == 1);
  CHECK(retry(desk.session, {"nightly-b"}).error().message ==
        "nightly-b is COMPLETED: only a run that failed is retried; sparkctl trigger starts a new "
        "one");
}

TEST_CASE("a run is made of a schedule's template, under a name of its own") {
  Desk desk;
  fill(desk);
  Json spec = Json::parse(R"({"schedule": "@hourly", "template": {"mode": "cluster"}})");
  desk.add_schedule("etl", spec, Json::object());
  REQUIRE(create_from(desk.session, "once", "etl"));
  CHECK(desk.out.str() == "sparkapplication.sparkoperator.k8s.io/once created\n");
  const Json run = desk.api.peek(config::spark_applications(), {"team", "once"});
  CHECK(run["spec"] == spec["template"]);
  CHECK_FALSE(run["metadata"].contains("ownerReferences"));
  CHECK(create_from(desk.session, "once", "etl").error().code == base::Code::AlreadyExists);
  CHECK(create_from(desk.session, "other", "paused").error().message ==
        "schedule \"paused\" has no spec.template to make a run from");
  CHECK(create_from(desk.session, "other", "nothing").error().code == base::Code::NotFound);
}

}  // namespace
