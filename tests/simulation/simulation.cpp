#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/applications/reconciler.h"
#include "runner/schedules/reconciler.h"
#include "scheduler/run_name.h"
#include "tests/simulation/model_applications.h"
#include "tests/simulation/random.h"
#include "tests/simulation/trouble.h"
#include "tests/simulation/truth.h"
#include "tests/simulation/wish.h"
#include "tests/support/permitted_api.h"

namespace simulation {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kExpressions[] = {"* * * * *", "*/5 * * * *", "0 * * * *", "@every 90s",
                                        "30 */2 * * *"};
constexpr const char* kZones[] = {"UTC", "America/New_York", "Australia/Lord_Howe"};
constexpr const char* kPolicies[] = {"Allow", "Forbid", "Forbid", "Replace", "Replace"};
constexpr const char* kMissed[] = {"Latest", "Latest", "Skip", "All"};

bool shares_reads(const Plan& plan) {
  return plan.reads == Reads::Shared || (plan.reads == Reads::Any && plan.seed % 2 == 0);
}

// One process of the service: its informers and its controllers. What it remembers dies with it.
struct Replica {
  Replica(tests::FakeApi& api, runner::RunRecorder& recorder, kube::EventRecorder& events,
          base::Clock& clock, const Plan& plan)
      : permitted(api),
        cache(api),
        seen(cache, plan.sabotage),
        lied_to(permitted, cache, plan.sabotage),
        for_applications(permitted, cache,
                         plan.sabotage == Sabotage::GiveUpDrivers ? plan.sabotage : Sabotage::None),
        records(recorder, plan.sabotage),
        versions(lied_to, seen, clock, config::scheduled_spark_applications(),
                 kube::FreshVersions::Scope::Namespace, {.few = 0}),
        schedules(lied_to, seen, events, records, clock,
                  {.versions = shares_reads(plan) ? &versions : nullptr}) {
    if (plan.applications == Applications::Model) {
      applications = std::make_unique<ModelApplications>(api, cache, recorder, clock);
    } else {
      applications = std::make_unique<runner::applications::ApplicationReconciler>(
          for_applications, cache, events, recorder, clock,
          runner::applications::ApplicationOptions{});
    }
    cache.sync();
  }

  tests::PermittedApi permitted;
  tests::FakeCache cache;
  SabotagedCache seen;
  SabotagedApi lied_to;
  SabotagedApi for_applications;
  SabotagedRecorder records;
  kube::FreshVersions versions;
  runner::schedules::ScheduleReconciler schedules;
  std::unique_ptr<kube::Reconciler> applications;
};

class Simulation {
 public:
  explicit Simulation(const Plan& plan) : plan_(plan), random_(plan.seed) {
    recorder_.clock = &clock_;
    trouble_.performed = [this](const tests::ApiCall& call) { watch(call); };
    start_process();
  }

  Verdict run() {
    try {
      create_schedule();
      for (int step = 0; step < plan_.steps; ++step)
        one_step();
      settle();
      truth_.settled();
    } catch (const Violation& violation) {
      verdict_.violation = violation.what;
    }
    return std::move(verdict_);
  }

 private:
  void tell(const std::string& what) {
    verdict_.story.push_back(base::format_rfc3339(floor<seconds>(clock_.now())) + " " + what);
  }

  void start_process() {
    replica_ = std::make_unique<Replica>(api_, recorder_, events_, clock_, plan_);
    other_ = std::make_unique<Replica>(api_, recorder_, events_, clock_, plan_);
  }

  void one_step() {
    pass_time();
    change_webhook();
    change_drivers();
    if (random_.one_in(5)) user_acts();
    node_acts();
    collector_acts();
    if (plan_.losses && random_.one_in(8)) lose_something();
    informers_catch_up();
    if (random_.one_in(2)) applications_act();
    if (!random_.one_in(4)) schedules_act();
    if (random_.one_in(2)) applications_act();
  }

  // Now and then it is at rest for a while.
  void collector_acts() {
    if (random_.one_in(collector_rests_ ? 20 : 40)) collector_rests_ = !collector_rests_;
    if (!collector_rests_ && random_.one_in(3)) api_.collect_garbage();
  }

  // A status that is patched away or restored without, a disk that is lost.
  void lose_something() {
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    if (schedule == nullptr || !schedule->contains("status")) return;
    const uint32_t what = random_.below(5);
    if (what >= 3) {
      tell("the ledger is lost");
      truth_.ledger_lost();
      recorder_.lose();
    }
    if (what <= 3) {
      tell("the status is lost");
      truth_.status_lost();
      api_.set(config::scheduled_spark_applications(), kSchedule, "/status", json::object());
    }
  }

  void change_webhook() {
    using Webhook = Trouble::Webhook;
    if (!random_.one_in(12)) return;
    const Webhook kinds[] = {Webhook::None, Webhook::None, Webhook::RefusesRuns,
                             Webhook::RefusesStatus};
    const Webhook webhook = random_.any_of(kinds);
    tell("a webhook refuses " + std::string(webhook == Webhook::None          ? "nothing"
                                            : webhook == Webhook::RefusesRuns ? "runs"
                                                                              : "status"));
    trouble_.set_webhook(webhook);
  }

  void change_drivers() {
    using Drivers = Trouble::Drivers;
    if (!random_.one_in(12)) return;
    const Drivers kinds[] = {Drivers::Welcome, Drivers::Welcome, Drivers::OverQuota,
                             Drivers::WebhookDown, Drivers::Throttled};
    const Drivers drivers = random_.any_of(kinds);
    tell(drivers == Drivers::Welcome ? "drivers are welcome" : "drivers are refused");
    trouble_.set_drivers(drivers);
  }

  // Time.

  // Once in some lives the clock is years ahead for a few steps.
  bool go_wrong() {
    if (wrong_by_.count() > 0) {
      if (!random_.one_in(3)) return false;
      set_clock_right();
      return true;
    }
    if (!random_.one_in(80)) return false;
    wrong_by_ = seconds(86400) * (30 + random_.below(4000)) + seconds(random_.below(86400));
    truth_.clock_went_wrong();
    clock_.set_wall(clock_.now() + wrong_by_);
    tell("the clock goes wrong");
    return true;
  }

  void set_clock_right() {
    if (wrong_by_.count() == 0) return;
    clock_.set_wall(clock_.now() - wrong_by_);
    wrong_by_ = seconds(0);
    tell("the clock is set right");
    truth_.clock_was_set_right();
  }

  void pass_time() {
    if (go_wrong()) return truth_.clock_moved();
    if (random_.one_in(40)) {
      const auto back = seconds(random_.below(4000));
      clock_.set_wall(clock_.now() - back);
      tell("the clock jumps back " + std::to_string(back.count()) + " s");
    } else if (random_.one_in(25)) {
      clock_.advance(std::chrono::minutes(random_.below(600)));
      tell("a long time passes");
    } else {
      clock_.advance(seconds(random_.below(70)) + milliseconds(random_.below(1000)));
    }
    truth_.clock_moved();
  }

  // The controllers.

  void informers_catch_up() {
    for (const kube::ResourceType* type :
         {&config::scheduled_spark_applications(), &config::spark_applications(), &kube::pods()}) {
      if (!random_.one_in(3)) replica_->cache.sync(*type);
      if (random_.one_in(3)) other_->cache.sync(*type);
    }
  }

  void schedules_act() {
    trouble_.draw();
    if (random_.one_in(8)) {
      trouble_.before_next_create([this] {
        tell("the other replica acts in between");
        (void)other_->schedules.reconcile(kSchedule);
      });
    }
    if (plan_.stalls && random_.one_in(4)) trouble_.before_next_status([this] { overtake(); });
    trouble_.schedules_act();
    act(replica_->schedules, kSchedule);
    trouble_.before_next_create(nullptr);
    trouble_.before_next_status(nullptr);
  }

  // One that has the lease and sees all.
  void overtake() {
    tell("the other replica acts before the status is written");
    for (uint32_t rounds = 1 + random_.below(3); rounds > 0; --rounds) {
      clock_.advance(seconds(random_.below(3)));
      truth_.clock_moved();
      other_->cache.sync();
      (void)other_->schedules.reconcile(kSchedule);
    }
  }

  void applications_act() {
    for (const auto& run : api_.peek_all(config::spark_applications())) {
      if (!random_.one_in(3)) trouble_.draw();
      trouble_.applications_act();
      act(*replica_->applications, kube::key_of(*run));
    }
  }

  void act(kube::Reconciler& controller, const kube::ObjectKey& key) {
    schedules_are_acting_ = &controller == &replica_->schedules;
    try {
      auto done = controller.reconcile(key);
      // Or much later: others may wait.
      if (done && done->again && random_.one_in(2)) done = controller.reconcile(key);
      if (!done) tell(key.name + ": " + done.error().message);
      for (const std::string& call : replica_->permitted.refused())
        throw Violation{"no role allows it to " + call};
    } catch (const Crash&) {
      tell("the process ends while it works on " + key.name);
      start_process();
    }
    schedules_are_acting_ = false;
    trouble_.none();
  }

  // Every call of a controller that was performed, told to the judge.
  void watch(const tests::ApiCall& call) {
    const bool run = call.plural == config::spark_applications().plural;
    if (call.verb == "create" && run && !user_is_acting_) {
      tell("created " + call.key.name);
      truth_.run_created(call.key);
    } else if (call.verb == "delete" && run && schedules_are_acting_) {
      tell("deletes " + call.key.name);
      truth_.run_deleted_by_schedules(call.key);
    } else if (call.verb == "update" && call.subresource == "status" && !run) {
      truth_.status_written();
    } else if (run && call.subresource == "status") {
      truth_.run_status_written(call.key);
    }
  }

  // The node.

  void node_acts() {
    for (const auto& pod : api_.peek_all(kube::pods())) {
      const kube::ObjectKey key = kube::key_of(*pod);
      Process* process = find_process(key);
      const bool deleting = base::find(*pod, {"metadata", "deletionTimestamp"}) != nullptr;
      const std::string phase = base::string_at(*pod, {"status", "phase"});
      if (deleting) {
        // The grace period: a driver that is asked to go takes its time.
        if (process != nullptr && process->alive && !random_.one_in(3)) continue;
        if (process != nullptr) process->alive = false;
        api_.erase(kube::pods(), key);
        std::erase_if(truth_.processes, [&](const Process& one) { return one.pod == key; });
      } else if (process == nullptr && !random_.one_in(3)) {
        start_driver(*pod);
      } else if (process != nullptr && process->alive && random_.one_in(4)) {
        end_driver(*process, random_.one_in(3) ? 1 : 0);
      }
    }
  }

  Process* find_process(const kube::ObjectKey& pod) {
    for (Process& process : truth_.processes)
      if (process.pod == pod) return &process;
    return nullptr;
  }

  void start_driver(const json& pod) {
    const Process process{
        .pod = kube::key_of(pod),
        .run_uid = base::string_at(pod["metadata"]["ownerReferences"][0], {"uid"}),
        .alive = true};
    truth_.processes.push_back(process);
    tell("driver " + process.pod.name + " runs");
    truth_.process_started(process);
    api_.set(
        kube::pods(), process.pod, "/status",
        {{"phase", "Running"}, {"startTime", base::format_rfc3339(floor<seconds>(clock_.now()))}});
  }

  void end_driver(Process& process, int exit_code) {
    process.alive = false;
    tell("driver " + process.pod.name + " exits " + std::to_string(exit_code));
    api_.set(kube::pods(), process.pod, "/status",
             {{"phase", exit_code == 0 ? "Succeeded" : "Failed"},
              {"containerStatuses",
               {{{"name", config::kDriverContainer},
                 {"state",
                  {{"terminated",
                    {{"exitCode", exit_code},
                     {"reason", exit_code == 0 ? "Completed" : "Error"},
                     {"finishedAt", base::format_rfc3339(floor<seconds>(clock_.now()))}}}}}}}}});
  }

  // The user. Users' calls do not fail: what matters is what they did, not what they tried.

  std::string any_policy() {
    const std::string any = random_.any_of(kPolicies);
    return plan_.policy.empty() ? any : plan_.policy;
  }

  json random_spec() {
    json spec{{"schedule", random_.any_of(kExpressions)},
              {"timeZone", random_.any_of(kZones)},
              {"concurrencyPolicy", any_policy()},
              {"missedRunPolicy", random_.any_of(kMissed)},
              {"successfulRunHistoryLimit", random_.below(3)},
              {"failedRunHistoryLimit", random_.below(3)},
              {"template",
               {{"type", "Python"},
                {"mode", "cluster"},
                {"sparkVersion", "4.0.1"},
                {"image", "spark:4.0.1"},
                {"mainApplicationFile", "local:///app/etl.py"},
                {"driver", {{"cores", 1}, {"memory", "512m"}}},
                {"executor", {{"cores", 1}, {"instances", 1}, {"memory", "512m"}}}}}};
    if (random_.one_in(4)) spec["startingDeadlineSeconds"] = random_.below(300);
    if (random_.one_in(4)) spec["maxCatchUpRuns"] = 1 + random_.below(5);
    return spec;
  }

  void create_schedule() {
    user_is_acting_ = true;
    const auto created =
        api_.create(config::scheduled_spark_applications(),
                    {{"metadata", {{"name", kSchedule.name}, {"namespace", kSchedule.ns}}},
                     {"spec", random_spec()}});
    user_is_acting_ = false;
    if (!created) return;
    truth_.schedule_created();
    tell("the schedule is created: " + (*created)["spec"].dump());
  }

  void edit(const std::string& pointer, const json& value) {
    tell("the user sets " + pointer + " to " + value.dump());
    api_.set(config::scheduled_spark_applications(), kSchedule, pointer, value);
  }

  void edit_schedule(const std::string& pointer, const std::string& value) {
    const auto before = api_.peek(config::scheduled_spark_applications(), kSchedule);
    if (before->at(json::json_pointer(pointer)) == value) return;
    edit(pointer, value);
    truth_.schedule_edited();
  }

  void user_acts() {
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    if (schedule == nullptr) {
      if (random_.one_in(2)) create_schedule();
      return;
    }
    switch (random_.below(12)) {
      case 0:
      case 1:
        return suspend_or_resume(*schedule);
      case 2:
        return edit_schedule("/spec/schedule", random_.any_of(kExpressions));
      case 3:
        return edit_schedule("/spec/timeZone", random_.any_of(kZones));
      case 4:
        return edit_schedule("/spec/schedule", "99 * * * *");
      case 5:
        edit("/spec/concurrencyPolicy", any_policy());
        return truth_.policy_edited();
      case 6:
        edit("/spec/successfulRunHistoryLimit", random_.below(3));
        return truth_.policy_edited();
      case 7:
      case 8:
        return wish_for_a_run();
      case 9:
        return delete_schedule();
      case 10:
        return delete_run();
      default:
        return create_foreign_run();
    }
  }

  // By a number that is mostly new, as of a manifest, or by the same word each time, which goes
  // when it is taken up.
  void wish_for_a_run() {
    const std::string number = std::to_string(random_.below(1000));
    const bool by_word = plan_.seed / 2 % 2 == 0;
    truth_.run_wished(by_word ? Wish::Word : Wish::Number);
    if (by_word)
      api_.set(config::scheduled_spark_applications(), kSchedule, "/metadata/managedFields",
               managed_by_annotate());
    edit("/metadata/annotations", {{config::kTriggerAnnotation, by_word ? "now" : number}});
  }

  void suspend_or_resume(const json& schedule) {
    const bool suspended = base::bool_at(schedule, {"spec", "suspend"}).value_or(false);
    edit("/spec/suspend", !suspended);
    if (suspended) {
      truth_.resumed();
    } else {
      truth_.suspended();
    }
  }

  void delete_schedule() {
    tell("the user deletes the schedule");
    user_is_acting_ = true;
    (void)api_.remove(config::scheduled_spark_applications(), kSchedule);
    user_is_acting_ = false;
    truth_.schedule_deleted();
  }

  void delete_run() {
    const auto runs = api_.peek_all(config::spark_applications());
    if (runs.empty()) return;
    const json run = *runs[random_.below(static_cast<uint32_t>(runs.size()))];
    const kube::ObjectKey key = kube::key_of(run);
    user_is_acting_ = true;
    const bool by_force = random_.one_in(4) && recorder_.runs.contains(kube::uid_of(run));
    tell("the user deletes " + key.name + (by_force ? " by force" : ""));
    if (by_force) {
      api_.set(config::spark_applications(), key, "/metadata/finalizers", nullptr);
      truth_.forced.insert(kube::uid_of(run));
      api_.erase(config::spark_applications(), key);
    } else {
      (void)api_.remove(config::spark_applications(), key);
    }
    user_is_acting_ = false;
  }

  // A copy of a run, labels and all: somebody's experiment. It may even have the next run's name.
  void create_foreign_run() {
    std::string name = "copy-" + std::to_string(random_.below(100));
    const json status = api_.peek(config::scheduled_spark_applications(), kSchedule)
                            ->value("status", json::object());
    const auto next = base::parse_rfc3339(base::string_at(status, {"nextRun"}));
    if (next && random_.one_in(3))
      name = scheduler::run_name(kSchedule.name, floor<seconds>(*next));
    user_is_acting_ = true;
    const auto created =
        api_.create(config::spark_applications(),
                    {{"metadata",
                      {{"name", name},
                       {"namespace", kSchedule.ns},
                       {"labels", {{config::kScheduledAppNameLabel, kSchedule.name}}}}},
                     {"spec", random_spec()["template"]}});
    user_is_acting_ = false;
    if (created) tell("the user creates a run of their own, " + name);
  }

  // The end: nothing fails any more, everything may end, and then the books must balance.

  void settle() {
    tell("everything settles");
    set_clock_right();
    trouble_.set_webhook(Trouble::Webhook::None);
    trouble_.set_drivers(Trouble::Drivers::Welcome);
    remove_foreign_runs();
    if (api_.peek(config::scheduled_spark_applications(), kSchedule) != nullptr) repair_schedule();
    // Slots that are accounted for in the future would be looked at too early.
    clock_.set_wall(std::max(clock_.now(), base::WallTime{truth_.latest()}));
    truth_.clock_moved();
    // A clock that was wrong is forgotten, ten minutes after it was first noticed.
    settle_once();
    settle_once();
    clock_.advance(scheduler::kClockBelieved + seconds(1));
    truth_.clock_moved();
    for (int round = 0; round < 20; ++round) {
      clock_.advance(seconds(1));
      truth_.clock_moved();
      settle_once();
      if (round > 2 && is_quiet()) break;
    }
    // It must not have been needed for what is due.
    collector_rests_ = false;
    // No slot is due any more; what runs may end, and is counted and pruned.
    for (int round = 0; round < 6; ++round)
      settle_once();
  }

  void settle_once() {
    for (const auto& pod : api_.peek_all(kube::pods()))
      finish_pod(*pod);
    if (!collector_rests_) api_.collect_garbage();
    for (int i = 0; i < 2; ++i) {
      replica_->cache.sync();
      for (const auto& run : api_.peek_all(config::spark_applications()))
        act(*replica_->applications, kube::key_of(*run));
    }
    replica_->cache.sync();
    act(replica_->schedules, kSchedule);
  }

  void finish_pod(const json& pod) {
    const kube::ObjectKey key = kube::key_of(pod);
    Process* process = find_process(key);
    if (base::find(pod, {"metadata", "deletionTimestamp"}) != nullptr) {
      api_.erase(kube::pods(), key);
      std::erase_if(truth_.processes, [&](const Process& one) { return one.pod == key; });
    } else if (process == nullptr) {
      start_driver(pod);
    } else if (process->alive) {
      end_driver(*process, 0);
    }
  }

  bool is_quiet() {
    const auto runs = api_.peek_all(config::spark_applications());
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    const bool held =
        schedule != nullptr && base::find(*schedule, {"status", "scheduling", "held"}) != nullptr;
    return !held && std::all_of(runs.begin(), runs.end(), [](const auto& run) {
      return runner::is_final(runner::read_application(*run).status.state);
    });
  }

  void remove_foreign_runs() {
    for (const auto& run : api_.peek_all(config::spark_applications()))
      if (base::find(*run, {"metadata", "ownerReferences"}) == nullptr)
        api_.erase(config::spark_applications(), kube::key_of(*run));
  }

  void repair_schedule() {
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    if (base::string_at(*schedule, {"spec", "schedule"}) == "99 * * * *")
      edit_schedule("/spec/schedule", "0 * * * *");
    // A queue of a hundred would take a hundred rounds.
    edit("/spec/missedRunPolicy", "Latest");
    truth_.policy_edited();
  }

  Plan plan_;
  Random random_;
  tests::FakeClock clock_{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 3 / 7}}};
  tests::FakeApi api_{clock_};
  tests::MemoryRecorder recorder_;
  tests::MemoryEvents events_;
  Trouble trouble_{api_, recorder_, random_};
  Truth truth_{clock_, api_, recorder_};
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Replica> other_;
  seconds wrong_by_{0};
  bool collector_rests_ = false;
  bool user_is_acting_ = false;
  bool schedules_are_acting_ = false;
  Verdict verdict_;
};

}  // namespace

Verdict simulate(const Plan& plan) {
  base::set_log_level(base::LogLevel::Off);
  return Simulation(plan).run();
}

}  // namespace simulation
