#include "runner/applications/decide.h"

#include "tests/support/catch.h"

namespace runner::applications {
namespace {

using std::chrono::seconds;

const base::WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

std::string id_of(const std::string& uid, const Attempt& attempt) {
  return uid + "-" + std::to_string(attempt.execution) + "-" + std::to_string(attempt.submission);
}

Application application(AppState state = AppState::New) {
  Application app;
  app.key = {"etl", "nightly"};
  app.uid = "u1";
  app.generation = 1;
  app.spec_hash = "h1";
  app.has_finalizer = true;
  app.status.state = state;
  app.status.observed_generation = 1;
  if (state != AppState::New) {
    app.status.spec_hash = "h1";
    app.status.execution_attempts = 1;
    app.status.submission_attempts = 1;
    app.status.last_submission = kNow - seconds{60};
    app.status.driver_pod = "nightly-driver";
  }
  return app;
}

ObservedDriver driver(ObservedDriver::Phase phase, const Attempt& attempt = {1, 1}) {
  ObservedDriver pod;
  pod.phase = phase;
  pod.owner_uid = "u1";
  pod.submission_id = id_of("u1", attempt);
  return pod;
}

ObservedDriver ended(int64_t exit_code) {
  ObservedDriver pod =
      driver(exit_code == 0 ? ObservedDriver::Phase::Succeeded : ObservedDriver::Phase::Failed);
  pod.started = kNow - seconds{30};
  pod.termination = DriverTermination{.exit_code = exit_code,
                                      .reason = exit_code == 0 ? "Completed" : "Error",
                                      .message = {},
                                      .finished = kNow};
  return pod;
}

ApplicationDecision decide_at(const Application& app, ObservedPods pods = {},
                              base::WallTime now = kNow) {
  return decide(now, app, pods, id_of);
}

template <class Action>
const Action* find(const ApplicationDecision& decision) {
  for (const ApplicationAction& action : decision.actions) {
    if (const auto* found = std::get_if<Action>(&action)) return found;
  }
  return nullptr;
}

TEST_CASE("a new application is guarded, then submitted") {
  Application app = application();
  app.has_finalizer = false;
  const ApplicationDecision decision = decide_at(app);
  REQUIRE(decision.actions.size() == 2);
  CHECK(std::holds_alternative<AddFinalizer>(decision.actions[0]));
  CHECK(std::get<Submit>(decision.actions[1]).attempt == Attempt{1, 1});
}

TEST_CASE("a new suspended application waits without a driver") {
  Application app = application();
  app.suspend = true;
  const ApplicationDecision decision = decide_at(app);
  CHECK(decision.actions.empty());
  CHECK(decision.status.state == AppState::Suspended);
}

TEST_CASE("S2: a driver that was created before a crash is adopted, not submitted twice") {
  // The status still says New, the pod of attempt 1 is there: submitting again finds it by its
  // name.
  const ApplicationDecision decision =
      decide_at(application(), {.driver = driver(ObservedDriver::Phase::Running), .executors = {}});
  REQUIRE(find<Submit>(decision) != nullptr);
  CHECK(find<Submit>(decision)->attempt == Attempt{1, 1});
  CHECK(find<DeleteDriver>(decision) == nullptr);
}

TEST_CASE("the driver's container decides the outcome") {
  struct Case {
    std::string name;
    std::optional<ObservedDriver> pod;
    AppState state;
    std::string message;
  };
  ObservedDriver sidecar_runs = ended(0);
  sidecar_runs.phase = ObservedDriver::Phase::Running;
  ObservedDriver evicted = driver(ObservedDriver::Phase::Failed);
  evicted.pod_failure = "Evicted: the node was low on memory";
  ObservedDriver foreign = driver(ObservedDriver::Phase::Running);
  foreign.owner_uid = "somebody else";
  const Case cases[] = {
      {.name = "pending",
       .pod = driver(ObservedDriver::Phase::Pending),
       .state = AppState::Submitted,
       .message = ""},
      {.name = "running",
       .pod = driver(ObservedDriver::Phase::Running),
       .state = AppState::Running,
       .message = ""},
      {.name = "exit 0", .pod = ended(0), .state = AppState::Completed, .message = ""},
      {.name = "S5: exit 0 while a side car goes on",
       .pod = sidecar_runs,
       .state = AppState::Completed,
       .message = ""},
      {.name = "exit 3",
       .pod = ended(3),
       .state = AppState::Failed,
       .message = "driver container failed with ExitCode: 3, Reason: Error"},
      {.name = "evicted",
       .pod = evicted,
       .state = AppState::Failed,
       .message = "driver pod failed: Evicted: the node was low on memory"},
      {.name = "gone",
       .pod = std::nullopt,
       .state = AppState::Failed,
       .message = "driver pod not found"},
      {.name = "somebody else's pod",
       .pod = foreign,
       .state = AppState::Failed,
       .message = "driver pod not found"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const ApplicationDecision decision =
          decide_at(application(AppState::Running), {.driver = c.pod, .executors = {}});
      CHECK(decision.status.state == c.state);
      CHECK(decision.status.error_message == c.message);
      CHECK((find<CleanUp>(decision) != nullptr) == is_final(c.state));
    }
  }
}

TEST_CASE("a failed run is tried again as often as asked, after a growing pause") {
  Application app = application(AppState::Running);
  app.restart = {.type = RestartPolicy::Type::OnFailure,
                 .on_submission_failure_retries = {},
                 .on_failure_retries = 1,
                 .on_submission_failure_interval = seconds{5},
                 .on_failure_interval = seconds{20}};
  ApplicationDecision decision = decide_at(app, {.driver = ended(1), .executors = {}});
  REQUIRE(decision.status.state == AppState::PendingRerun);

  app.status = decision.status;
  decision = decide_at(app, {.driver = ended(1), .executors = {}});
  CHECK(find<DeleteDriver>(decision) !=
        nullptr);  // S3: the old pod goes first, and its end wakes us

  decision = decide_at(app);
  CHECK(decision.actions.empty());
  CHECK(decision.wake_at == kNow + seconds{20});

  decision = decide_at(app, {}, kNow + seconds{20});
  REQUIRE(find<Submit>(decision) != nullptr);
  CHECK(find<Submit>(decision)->attempt == Attempt{2, 1});

  app.status = after_submission(kNow, app, {2, 1}, {"spark-2", "s2", "nightly-driver"});
  ObservedDriver second = ended(1);
  decision = decide_at(app, {.driver = second, .executors = {}});
  CHECK(decision.status.state == AppState::Failed);
}

TEST_CASE("a refused submission is tried again only with retries") {
  Application app = application();
  app.status = after_refused_submission(kNow, app, {1, 1}, "pods is forbidden");
  CHECK(decide_at(app).status.state == AppState::Failed);

  app.restart.type = RestartPolicy::Type::OnFailure;
  app.restart.on_submission_failure_retries = 1;
  CHECK(decide_at(app).wake_at == kNow + seconds{5});
  const ApplicationDecision again = decide_at(app, {}, kNow + seconds{5});
  REQUIRE(find<Submit>(again) != nullptr);
  CHECK(find<Submit>(again)->attempt == Attempt{1, 2});
}

TEST_CASE("suspend stops the driver and waits for it, resume submits the next attempt") {
  Application app = application(AppState::Running);
  app.suspend = true;
  ObservedDriver pod = driver(ObservedDriver::Phase::Running);
  ApplicationDecision decision = decide_at(app, {.driver = pod, .executors = {}});
  CHECK(decision.status.state == AppState::Suspending);
  CHECK(find<DeleteDriver>(decision) != nullptr);

  app.status = decision.status;
  pod.deleting = true;
  decision = decide_at(app, {.driver = pod, .executors = {}});
  CHECK(decision.status.state == AppState::Suspending);
  CHECK(decision.actions.empty());

  decision = decide_at(app);
  CHECK(decision.status.state == AppState::Suspended);

  app.status = decision.status;
  app.suspend = false;
  REQUIRE(find<Submit>(decide_at(app)) != nullptr);
  CHECK(find<Submit>(decide_at(app))->attempt == Attempt{2, 1});
}

TEST_CASE("S6: a changed spec runs anew even if the change was never seen happening") {
  for (const AppState state : {AppState::Running, AppState::Completed}) {
    Application app = application(state);
    app.spec_hash = "h2";
    const ApplicationDecision decision =
        decide_at(app, {.driver = driver(ObservedDriver::Phase::Running), .executors = {}});
    CHECK(decision.status.state == AppState::Invalidating);
    CHECK(find<DeleteDriver>(decision) != nullptr);
    app.status = decision.status;
    REQUIRE(find<Submit>(decide_at(app)) != nullptr);
  }
}

TEST_CASE("S4: deadlines end what hangs, and the run is unfinished until its driver is gone") {
  Application app = application(AppState::Submitted);
  app.pending_deadline = seconds{90};
  ObservedDriver pod = driver(ObservedDriver::Phase::Pending);
  pod.waiting = "Unschedulable: insufficient memory";
  CHECK(decide_at(app, {.driver = pod, .executors = {}}).wake_at == kNow + seconds{30});

  ApplicationDecision decision =
      decide_at(app, {.driver = pod, .executors = {}}, kNow + seconds{30});
  CHECK(find<DeleteDriver>(decision) != nullptr);
  CHECK(decision.status.state == AppState::Submitted);

  app.status = decision.status;
  app.restart.type = RestartPolicy::Type::Always;
  decision = decide_at(app, {}, kNow + seconds{31});
  CHECK(decision.status.state == AppState::Failed);
  CHECK(decision.status.error_message ==
        "driver did not start within 90 s (Unschedulable: insufficient memory)");
}

TEST_CASE("deleting: the driver stops, the outcome is recorded, then the finalizer goes") {
  Application app = application(AppState::Running);
  app.deleting = true;
  ApplicationDecision decision =
      decide_at(app, {.driver = driver(ObservedDriver::Phase::Running), .executors = {}});
  CHECK(find<DeleteDriver>(decision) != nullptr);
  CHECK(find<RemoveFinalizer>(decision) == nullptr);

  decision = decide_at(app);
  CHECK(decision.status.state == AppState::Failed);
  CHECK(decision.status.error_message == "stopped: the application was deleted");
  CHECK(find<RemoveFinalizer>(decision) == nullptr);

  app.status = decision.status;
  CHECK(find<RemoveFinalizer>(decide_at(app)) != nullptr);
}

TEST_CASE("a finished application lives as long as its time to live") {
  Application app = application(AppState::Completed);
  app.has_finalizer = false;
  app.status.terminated = kNow;
  CHECK_FALSE(decide_at(app).wake_at.has_value());
  app.time_to_live = seconds{60};
  CHECK(decide_at(app).wake_at == kNow + seconds{60});
  CHECK(find<DeleteApplication>(decide_at(app, {}, kNow + seconds{60})) != nullptr);
}

TEST_CASE("executors are tracked, never more than a thousand") {
  Application app = application(AppState::Running);
  ObservedPods pods{.driver = driver(ObservedDriver::Phase::Running), .executors = {}};
  for (int i = 0; i < 1500; ++i)
    pods.executors["exec-" + std::to_string(i)] = "RUNNING";
  const ApplicationDecision decision = decide_at(app, pods);
  CHECK(decision.status.executor_state.size() == 1000);

  app.status = decision.status;
  pods.executors.clear();
  CHECK(decide_at(app, pods).status.executor_state.begin()->second == "UNKNOWN");
}

TEST_CASE("retry delays grow, are capped, and start again after a healthy run") {
  CHECK(retry_delay(seconds{5}, 1, {}) == seconds{5});
  CHECK(retry_delay(seconds{5}, 3, {}) == seconds{20});
  CHECK(retry_delay(seconds{5}, 50, {}) == seconds{600});
  CHECK(retry_delay(seconds{3600}, 4, {}) == seconds{3600});
  CHECK(retry_delay(seconds{5}, 50, seconds{601}) == seconds{5});
}

TEST_CASE("deciding again after every action was done changes nothing") {
  for (const AppState state :
       {AppState::Submitted, AppState::Running, AppState::Completed, AppState::Failed}) {
    Application app = application(state);
    app.has_finalizer = !is_final(state);
    const ObservedPods pods{
        .driver = driver(state == AppState::Submitted ? ObservedDriver::Phase::Pending
                                                      : ObservedDriver::Phase::Running),
        .executors = {}};
    const ApplicationDecision decision = decide_at(app, pods);
    CHECK(decision.actions.empty());
    CHECK(decision.status == app.status);
  }
}

}  // namespace
}  // namespace runner::applications
