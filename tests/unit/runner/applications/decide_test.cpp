#include "runner/applications/decide.h"

#include "base/saturating.h"
#include "runner/applications/events.h"
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
  pod.spec_hash = "h1";
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

TEST_CASE("a driver that was made while a cache lagged behind refusals is the run's driver") {
  // A round that saw two refusals fewer made it as the second try; the status tells of three.
  Application app = application(AppState::SubmissionFailed);
  app.status.submission_attempts = 3;
  for (const int64_t made_by : {1, 2, 3, 4}) {
    const ApplicationDecision adopts = decide_at(
        app, {.driver = driver(ObservedDriver::Phase::Running, {1, made_by}), .executors = {}});
    REQUIRE(find<Submit>(adopts) != nullptr);
    CHECK(find<Submit>(adopts)->attempt == Attempt{1, made_by});
    CHECK(find<DeleteDriver>(adopts) == nullptr);
    CHECK(find<CleanUp>(adopts) == nullptr);
  }
  app.status.execution_attempts = 2;
  const ApplicationDecision replaces =
      decide_at(app, {.driver = driver(ObservedDriver::Phase::Running, {1, 1}), .executors = {}});
  CHECK(find<DeleteDriver>(replaces) != nullptr);
}

TEST_CASE("a driver of a spec before is no driver of the attempt, whatever id it carries") {
  // Created before an edit that came before the first status; and stopped for an edit, which a
  // cache that lags does not show yet: counting has begun anew, so the ids are the same.
  for (const AppState state : {AppState::New, AppState::Invalidating}) {
    Application app = application(state);
    app.spec_hash = "h2";
    app.generation = 2;
    app.status.execution_attempts = 0;
    ObservedDriver old = driver(ObservedDriver::Phase::Running);
    const ApplicationDecision stops = decide_at(app, {.driver = old, .executors = {}});
    CHECK(find<DeleteDriver>(stops) != nullptr);
    CHECK(find<Submit>(stops) == nullptr);
    old.deleting = true;
    CHECK(find<Submit>(decide_at(app, {.driver = old, .executors = {}})) == nullptr);
    const ApplicationDecision starts = decide_at(app);
    REQUIRE(find<Submit>(starts) != nullptr);
    CHECK(find<Submit>(starts)->attempt == Attempt{1, 1});
  }
}

TEST_CASE("an edit ends the wait for a retry, and its counting, at once") {
  for (const AppState state : {AppState::SubmissionFailed, AppState::PendingRerun}) {
    Application app = application(state);
    app.status.submission_attempts = 9;
    app.status.execution_attempts = 9;
    app.status.last_submission = kNow;
    app.status.terminated = kNow;
    app.status.driver_exit_code = 1;
    app.status.not_submitted_since = kNow - seconds{60};
    CHECK(decide_at(app).wake_at > kNow);
    app.spec_hash = "h2";
    app.generation = 2;
    const ApplicationDecision edited = decide_at(app);
    CHECK(edited.status.state == AppState::Invalidating);
    CHECK_FALSE(edited.status.not_submitted_since.has_value());
    app.status = edited.status;
    REQUIRE(find<Submit>(decide_at(app)) != nullptr);
    CHECK(find<Submit>(decide_at(app))->attempt == Attempt{1, 1});
  }
}

TEST_CASE("a driver of which nothing is known does not outlive its deadline") {
  Application app = application(AppState::Running);
  app.active_deadline = seconds{100};
  app.status.driver_started = kNow - seconds{99};
  const ObservedPods pods{.driver = driver(ObservedDriver::Phase::Unknown), .executors = {}};
  CHECK(decide_at(app, pods).status.state == AppState::Unknown);
  CHECK(decide_at(app, pods).wake_at == kNow + seconds{1});
  CHECK(find<DeleteDriver>(decide_at(app, pods, kNow + seconds{1})) != nullptr);
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
  evicted.pod_failure = "driver was evicted: the node was low on memory";
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
       .message = "driver failed with exit code 3"},
      {.name = "evicted",
       .pod = evicted,
       .state = AppState::Failed,
       .message = "driver was evicted: the node was low on memory"},
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

TEST_CASE("what an API refuses is tried again, whatever the restart policy") {
  Application app = application();
  app.status = after_refused_submission(kNow, app, {1, 1}, "exceeded quota");
  CHECK(app.status.state == AppState::SubmissionFailed);
  for (const auto type :
       {RestartPolicy::Type::Never, RestartPolicy::Type::OnFailure, RestartPolicy::Type::Always}) {
    app.restart.type = type;
    const ApplicationDecision waits = decide_at(app);
    CHECK(waits.status.state == AppState::SubmissionFailed);
    CHECK(waits.status.error_message == "exceeded quota");
    CHECK(waits.wake_at == kNow + seconds{5});
    const ApplicationDecision again = decide_at(app, {}, kNow + seconds{5});
    REQUIRE(find<Submit>(again) != nullptr);
    CHECK(find<Submit>(again)->attempt == Attempt{1, 2});
    // Otherwise every refused attempt would leave its ConfigMap and Service.
    CHECK(std::holds_alternative<CleanUp>(again.actions.front()));
  }
}

TEST_CASE("a number of retries ends the attempts to submit, as the peer counts them") {
  Application app = application();
  app.restart.type = RestartPolicy::Type::OnFailure;
  app.restart.on_submission_failure_retries = 1;
  app.status = after_refused_submission(kNow, app, {1, 1}, "exceeded quota");
  CHECK_FALSE(is_final(decide_at(app).status.state));
  app.status = after_refused_submission(kNow, app, {1, 2}, "exceeded quota");
  const ApplicationDecision last = decide_at(app);
  CHECK(last.status.state == AppState::Failed);
  CHECK(last.status.error_message == "exceeded quota");
  CHECK(find<CleanUp>(last) != nullptr);
}

TEST_CASE("a deadline ends the attempts to submit, and so does that of the schedule") {
  Application app = application();
  app.status = after_refused_submission(kNow, app, {1, 1}, "exceeded quota");
  app.pending_deadline = seconds{60};
  CHECK_FALSE(is_final(decide_at(app, {}, kNow + seconds{59}).status.state));
  ApplicationDecision late = decide_at(app, {}, kNow + seconds{60});
  CHECK(late.status.state == AppState::Failed);
  CHECK(late.status.error_message == "not submitted within 60 s (exceeded quota)");
  // A later refusal does not start the deadline again.
  app.status = after_refused_submission(kNow + seconds{50}, app, {1, 2}, "exceeded quota");
  CHECK(is_final(decide_at(app, {}, kNow + seconds{60}).status.state));

  app.pending_deadline.reset();
  app.start_by = kNow + seconds{30};
  CHECK_FALSE(is_final(decide_at(app, {}, kNow + seconds{29}).status.state));
  late = decide_at(app, {}, kNow + seconds{30});
  CHECK(late.status.error_message ==
        "not submitted within the schedule's startingDeadlineSeconds (exceeded quota)");
}

TEST_CASE("what our own reading of the spec refuses fails for good and runs after an edit") {
  Application app = application();
  const std::string wrong = "spec.driver.memory must be a size";
  app.status = after_refused_submission(kNow, app, {1, 1}, wrong);
  app.restart.type = RestartPolicy::Type::Always;
  ObservedPods pods;
  pods.spec_problem = wrong;
  const ApplicationDecision decision = decide_at(app, pods);
  CHECK(decision.status.state == AppState::Failed);
  CHECK(decision.status.error_message == wrong);
  app.status = decision.status;
  app.spec_hash = "h2";
  app.generation = 2;
  CHECK(decide_at(app).status.state == AppState::Invalidating);
}

TEST_CASE("waiting for a name counts no attempt and ends with the pending deadline") {
  Application app = application();
  app.pending_deadline = seconds{60};
  app.status = while_waiting_to_submit(kNow, app, "Pod etl/x is still being removed");
  CHECK(app.status.state == AppState::New);
  CHECK(app.status.submission_attempts == 0);
  CHECK(app.status.error_message == "waiting: Pod etl/x is still being removed");
  REQUIRE(find<Submit>(decide_at(app, {}, kNow + seconds{2})) != nullptr);
  CHECK(find<Submit>(decide_at(app, {}, kNow + seconds{2}))->attempt == Attempt{1, 1});
  CHECK(decide_at(app, {}, kNow + seconds{60}).status.error_message ==
        "not submitted within 60 s (waiting: Pod etl/x is still being removed)");
}

TEST_CASE("a pending driver's reason is shown and does not count as a deadline that passed") {
  Application app = application(AppState::Submitted);
  ObservedDriver pod = driver(ObservedDriver::Phase::Pending);
  pod.waiting = "CreateContainerConfigError: secret \"key\" not found";
  const ApplicationDecision pending = decide_at(app, {.driver = pod, .executors = {}});
  CHECK(pending.actions.empty());
  CHECK(pending.status.error_message == pod.waiting);
  const auto events = events_of(app, pending.status);
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == "SparkDriverPending");
  CHECK(events[0].note == "Driver nightly-driver does not start yet: " + pod.waiting);

  app.status = pending.status;
  CHECK(events_of(app, decide_at(app, {.driver = pod, .executors = {}}).status).empty());
  const ApplicationDecision runs =
      decide_at(app, {.driver = driver(ObservedDriver::Phase::Running), .executors = {}});
  CHECK(runs.status.state == AppState::Running);
  CHECK(runs.status.error_message.empty());
  CHECK(find<DeleteDriver>(runs) == nullptr);
}

TEST_CASE("numbers of seconds for ever mean for ever") {
  constexpr seconds kForEver = base::kLongestDuration;
  Application app = application(AppState::Completed);
  app.has_finalizer = false;
  app.status.terminated = kNow;
  app.time_to_live = kForEver;
  CHECK(find<DeleteApplication>(decide_at(app)) == nullptr);
  app = application(AppState::Running);
  app.active_deadline = kForEver;
  const ApplicationDecision runs =
      decide_at(app, {.driver = driver(ObservedDriver::Phase::Running), .executors = {}});
  CHECK(find<DeleteDriver>(runs) == nullptr);
  app = application(AppState::PendingRerun);
  app.status.terminated = kNow;
  app.status.error_message = "failed";
  app.restart.on_failure_interval = kForEver;
  CHECK(*decide_at(app).wake_at > kNow);
}

TEST_CASE("a hash that another version of the CRD has changed runs nothing again") {
  Application app = application(AppState::Completed);
  app.has_finalizer = false;
  app.spec_hash = "of the same spec with one more default";
  const ApplicationDecision upgraded = decide_at(app);
  CHECK(upgraded.actions.empty());
  CHECK(upgraded.status.state == AppState::Completed);
  // It is what the next edit is compared with: one that does not matter runs nothing either.
  CHECK(upgraded.status.spec_hash == app.spec_hash);
  app.status = upgraded.status;
  app.generation = 2;
  CHECK(decide_at(app).actions.empty());
  app.status = decide_at(app).status;
  CHECK(app.status.observed_generation == 2);
  app.generation = 3;
  app.spec_hash = "of another spec";
  CHECK(decide_at(app).status.state == AppState::Invalidating);
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
    app.generation = 2;
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

TEST_CASE("a time to live of zero and less deletes an application when it has ended") {
  for (const seconds none : {seconds{0}, seconds{-1}, seconds::min()}) {
    INFO(none.count());
    Application app = application(AppState::Completed);
    app.has_finalizer = false;
    app.status.terminated = kNow;
    app.time_to_live = none;
    CHECK(find<DeleteApplication>(decide_at(app)) != nullptr);
    // Not before.
    app.status.state = AppState::Running;
    CHECK(find<DeleteApplication>(decide_at(app)) == nullptr);
  }
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

TEST_CASE("executors that fail are counted and told, a few by name") {
  Application app = application(AppState::Running);
  ObservedPods pods;
  pods.driver = driver(ObservedDriver::Phase::Running);
  for (int i = 0; i < 9; ++i) {
    const std::string name = "exec-" + std::to_string(i);
    pods.executors[name] = "FAILED";
    pods.executor_failures[name] = "was killed (exit code 137, SIGKILL)";
  }
  const ApplicationDecision first = decide_at(app, pods);
  CHECK(first.status.executor_failures == 9);
  const auto events = executor_events(app, first.status, pods.executor_failures);
  REQUIRE(events.size() == 6);
  CHECK(events[0].reason == "SparkExecutorFailed");
  CHECK(events[0].note == "Executor exec-0 was killed (exit code 137, SIGKILL)");
  CHECK(events[5].note == "4 more executors failed");

  // Each once, also when its pod is gone, and anew in the next run.
  app.status = first.status;
  CHECK(decide_at(app, pods).status.executor_failures == 9);
  CHECK(executor_events(app, first.status, pods.executor_failures).empty());
  pods.executors.erase("exec-0");
  CHECK(decide_at(app, pods).status.executor_failures == 9);
  CHECK(after_submission(kNow, app, {2, 1}, {"a", "b", "c"}).executor_failures == 0);
}

TEST_CASE("retry delays grow, are capped, and start again after a healthy run") {
  CHECK(retry_delay(seconds{5}, 0) == seconds{5});
  CHECK(retry_delay(seconds{5}, 1) == seconds{5});
  CHECK(retry_delay(seconds{5}, 3) == seconds{20});
  CHECK(retry_delay(seconds{5}, 50) == seconds{600});
  CHECK(retry_delay(seconds{3600}, 4) == seconds{3600});

  Application app = application(AppState::Running);
  app.restart.type = RestartPolicy::Type::Always;
  app.status.execution_attempts = 40;
  app.status.failures_in_a_row = 39;
  const auto pause_after = [&](ObservedDriver pod) {
    Application failed = app;
    failed.status = decide_at(app, {.driver = std::move(pod)}).status;
    CHECK(failed.status.state == AppState::PendingRerun);
    return std::chrono::floor<seconds>(*decide_at(failed).wake_at - kNow);
  };
  CHECK(pause_after(ended(1)) == seconds{600});
  // Ten minutes of health count, and so does a success; the next failure is the first again.
  ObservedDriver healthy = ended(1);
  healthy.started = kNow - seconds{600};
  CHECK(pause_after(healthy) == seconds{5});
  CHECK(pause_after(ended(0)) == seconds{5});
  app.status = decide_at(app, {.driver = healthy}).status;
  CHECK(app.status.failures_in_a_row == 1);
  app.status.state = AppState::Running;
  CHECK(pause_after(ended(1)) == seconds{10});
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
