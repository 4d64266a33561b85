// Runs by hand: one for each order, by name, and waiting for it.

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "tests/unit/tools/sparkctl/desk.h"

namespace {

using kube::Json;
using namespace sparkctl;
using tests::Desk;
using tests::fill;

std::string order_of(const Json& schedule) {
  return base::string_at(schedule, {"metadata", "annotations", config::kTriggerAnnotation});
}

void set_scheduling(Desk& desk, const char* schedule, Json scheduling) {
  REQUIRE(desk.api.patch(
      config::scheduled_spark_applications(), {"team", schedule}, kube::PatchType::MergePatch,
      {{"status", {{"scheduling", std::move(scheduling)}}}}, {.subresource = "status"}));
}

TEST_CASE("trigger leaves a new value each time, and says when nobody took it up") {
  Desk desk;
  fill(desk);
  const std::jthread time = tests::passing_time(desk.clock);
  CHECK(trigger(desk.session, {.name = "paused"}).value() == kDone);
  const auto value = [&] {
    return order_of(desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"}));
  };
  const std::string first = value();
  CHECK_FALSE(first.empty());
  CHECK(desk.err.str() ==
        "The service has not taken it up yet; sparkctl list runs paused shows the run.\n");
  CHECK(trigger(desk.session, {.name = "paused"}).value() == kDone);
  CHECK(value() != first);
}

TEST_CASE("trigger prints the name of the run") {
  // No time passes before the controller has done its part.
  const auto on_order = [](Desk& desk, const std::function<void(const std::string&)>& then) {
    return std::jthread([&desk, then](const std::stop_token& stop) {
      std::string order;
      desk.api.await(config::scheduled_spark_applications(), {"team", "paused"},
                     [&](const Json* schedule) {
                       if (schedule != nullptr) order = order_of(*schedule);
                       return !order.empty();
                     });
      then(order);
      tests::pass_time(desk.clock, stop);
    });
  };
  Desk desk;
  fill(desk);
  desk.add_run_by_hand("paused-manual-20261120t000000z", "paused", "FAILED",
                       "2026-11-20T00:00:00Z");
  const std::string triggered = "scheduledsparkapplication.sparkoperator.k8s.io/paused triggered: ";
  SECTION("that waits for another to end") {
    const std::jthread controller = on_order(desk, [&](const std::string& order) {
      set_scheduling(desk, "paused",
                     {{"pendingTrigger", {{"value", order}, {"at", "2026-11-21T00:00:03Z"}}}});
    });
    REQUIRE(trigger(desk.session, {.name = "paused"}).value() == kDone);
    CHECK(desk.out.str() == triggered + "paused-manual-20261121t000003z\n");
  }
  SECTION("once its annotation is gone, for the next would take its place") {
    const std::jthread controller = on_order(desk, [&](const std::string& order) {
      set_scheduling(desk, "paused",
                     {{"pendingTrigger",
                       {{"value", order}, {"at", "2026-11-21T00:00:03Z"}, {"stays", false}}}});
      desk.clock.advance(std::chrono::seconds(2));
      REQUIRE(desk.api.patch(
          config::scheduled_spark_applications(), {"team", "paused"}, kube::PatchType::MergePatch,
          {{"metadata", {{"annotations", {{config::kTriggerAnnotation, nullptr}}}}}}, {}));
    });
    REQUIRE(trigger(desk.session, {.name = "paused"}).value() == kDone);
    CHECK(desk.out.str() == triggered + "paused-manual-20261121t000003z\n");
    CHECK(order_of(desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"})) ==
          "");
  }
  SECTION("that was created, though another was ordered since") {
    const std::jthread controller = on_order(desk, [&](const std::string& order) {
      // A slot's run is not taken for it, whatever it is called.
      desk.add_run("paused-manual-20261121t000001z", "paused", "", "2026-11-21T00:00:01Z");
      desk.add_run_by_hand("paused-manual-20261121t000004z", "paused", "", "2026-11-21T00:00:04Z");
      desk.add_run_by_hand("paused-manual-20261121t000005z", "paused", "", "2026-11-21T00:00:05Z");
      set_scheduling(desk, "paused", {{"handledTrigger", order + " and the next"}});
    });
    REQUIRE(trigger(desk.session, {.name = "paused"}).value() == kDone);
    CHECK(desk.out.str() == triggered + "paused-manual-20261121t000004z\n");
  }
}

TEST_CASE("a second trigger is written when the first has its run, so that both have a run") {
  Desk desk;
  fill(desk);
  REQUIRE(desk.api.patch(
      config::scheduled_spark_applications(), {"team", "paused"}, kube::PatchType::MergePatch,
      {{"metadata", {{"annotations", {{config::kTriggerAnnotation, "first"}}}}}}, {}));
  std::string seen_third;
  std::jthread controller([&](const std::stop_token& stop) {
    while (desk.api.calls("get") < 3) {
      desk.clock.advance(std::chrono::milliseconds{500});
      std::this_thread::yield();
    }
    seen_third =
        order_of(desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"}));
    set_scheduling(desk, "paused", {{"handledTrigger", "first"}});
    tests::pass_time(desk.clock, stop);
  });
  REQUIRE(trigger(desk.session, {.name = "paused"}).value() == kDone);
  controller.request_stop();
  controller.join();
  CHECK(seen_third == "first");
  CHECK(order_of(desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"})) !=
        "first");
}

TEST_CASE("a trigger does not take the place of one that waits") {
  Desk desk;
  fill(desk);
  REQUIRE(desk.api.patch(
      config::scheduled_spark_applications(), {"team", "paused"}, kube::PatchType::MergePatch,
      {{"metadata", {{"annotations", {{config::kTriggerAnnotation, "first"}}}}}}, {}));
  set_scheduling(desk, "paused",
                 {{"pendingTrigger", {{"value", "first"}, {"at", "2026-11-21T00:00:03Z"}}}});
  const std::jthread time = tests::passing_time(desk.clock);
  CHECK(trigger(desk.session, {.name = "paused"}).error().message ==
        "a run by hand waits already for others to end, paused-manual-20261121t000003z: another "
        "order would take its place");
  CHECK(order_of(desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"})) ==
        "first");
}

TEST_CASE("trigger waits for the run that it started, and for no other") {
  struct Case {
    const char* state;
    ExitCode code;
  };
  for (const Case& c : {Case{"COMPLETED", kDone}, Case{"FAILED", kRunFailed}}) {
    DYNAMIC_SECTION(c.state) {
      Desk desk;
      fill(desk);
      desk.add_run_by_hand("paused-manual-old", "paused", "FAILED", "2026-11-20T00:00:00Z");
      std::jthread controller([&] {
        desk.api.await(
            config::scheduled_spark_applications(), {"team", "paused"}, [](const Json* schedule) {
              return schedule != nullptr && (*schedule)["metadata"].contains("annotations");
            });
        desk.add_run_by_hand("paused-manual-new", "paused", c.state, "2026-11-21T00:00:00Z");
      });
      const std::jthread time = tests::passing_time(desk.clock);
      const auto done = trigger(desk.session, {.name = "paused", .wait = true});
      REQUIRE(done.has_value());
      CHECK(*done == c.code);
      CHECK(desk.out.str() == std::string("paused-manual-new ") + c.state + "\n");
    }
  }
}

}  // namespace
