#include "tests/simulation/replicas.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "tests/simulation/model_kubelet.h"
#include "tests/simulation/network.h"
#include "tests/simulation/replica_books.h"
#include "tests/simulation/replica_process.h"
#include "tests/simulation/truth.h"
#include "tests/simulation/wish.h"
#include "tests/support/memory_recorder.h"

namespace simulation {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::seconds;

constexpr const char* kPolicies[] = {"Allow", "Forbid", "Replace"};
constexpr const char* kMissed[] = {"Latest", "All", "Skip"};
constexpr const char* kExpressions[] = {"*/20 * * * * *", "*/45 * * * * *", "*/7 * * * * *"};

class Replicas {
 public:
  explicit Replicas(const ReplicasPlan& plan) : plan_(plan), random_(plan.seed) {
    network_.tell = [this](const std::string& what) { tell(what); };
    api_.after = [this](const tests::ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "create" && call.plural == config::spark_applications().plural) {
        tell("created " + call.key.name);
        books_.run_created(call.key);
      }
      return std::nullopt;
    };
    kubelet_.tell = network_.tell;
    kubelet_.started = [this](const std::string& run_uid, size_t others) {
      books_.driver_started(run_uid, policy_, others);
    };
  }

  Verdict run() {
    create_schedule();
    for (size_t i = 0; i < processes_.size(); ++i)
      start(i);
    for (int step = 0; step < plan_.steps && well(); ++step)
      one_step();
    if (well()) settle();
    verdict_.violation = books_.violation;
    for (auto& process : processes_)
      process.reset();
    return std::move(verdict_);
  }

 private:
  [[nodiscard]] bool well() const { return books_.violation.empty(); }
  void tell(const std::string& what) {
    verdict_.story.push_back(base::format_rfc3339(floor<seconds>(clock_.now())) + " " + what);
  }

  void create_schedule() {
    policy_ = random_.any_of(kPolicies);
    json spec{{"schedule", random_.any_of(kExpressions)},
              {"timeZone", "UTC"},
              {"concurrencyPolicy", policy_},
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
    const auto created = api_.create(
        config::scheduled_spark_applications(),
        {{"metadata", {{"name", kSchedule.name}, {"namespace", kSchedule.ns}}}, {"spec", spec}});
    created_ = floor<seconds>(clock_.now());
    tell("the schedule: " + (*created)["spec"].dump());
  }

  void start(size_t index) {
    const std::string name = (index == 0 ? "a" : "b") + std::to_string(++births_);
    processes_[index] = std::make_unique<ReplicaProcess>(name, network_, books_, ledgers_[index],
                                                         events_, plan_.without);
    tell(name + " starts");
  }

  void one_step() {
    clock_.advance(std::chrono::milliseconds(random_.below(3'000)));
    network_.deliver_due();
    trouble();
    if (random_.one_in(25)) ask_for_a_run();
    kubelet_.act(3);
    if (random_.one_in(3)) api_.collect_garbage();
    // Whoever wakes may go on with its work before it looks at its lease, or the other way round.
    const size_t first = random_.below(2);
    for (const size_t index : {first, 1 - first}) {
      const bool works_first = random_.one_in(2);
      if (works_first) work(index);
      elect(index);
      if (!works_first) work(index);
    }
  }

  void trouble() {
    ReplicaProcess& process = *processes_[random_.below(2)];
    const auto for_a_while = [&] { return clock_.now() + seconds(random_.below(90)); };
    if (random_.one_in(25)) {
      process.stopped_until = for_a_while();
      tell(process.name() + " is stopped");
    } else if (random_.one_in(60)) {
      process.cut_until = for_a_while();
      tell(process.name() + " is cut off");
    } else if (random_.one_in(60)) {
      tell(process.name() + " is killed");
      start(&process == processes_[0].get() ? 0 : 1);
    }
  }

  // Of a schedule that was looked at already: before, the annotation may have been copied.
  void ask_for_a_run() {
    if (!api_.peek(config::scheduled_spark_applications(), kSchedule)->contains("status")) return;
    // The same word each time, which goes when it is taken up, or a number as of a manifest.
    const bool by_word = plan_.seed / 2 % 2 == 0;
    const std::string wish = by_word ? "now" : std::to_string(++wishes_);
    tell("the user asks for run " + wish);
    if (by_word)
      api_.set(config::scheduled_spark_applications(), kSchedule, "/metadata/managedFields",
               managed_by_annotate());
    api_.set(config::scheduled_spark_applications(), kSchedule, "/metadata/annotations",
             {{config::kTriggerAnnotation, wish}});
    if (by_word)
      books_.triggered_by_word();
    else
      books_.triggered(wish);
  }

  void elect(size_t index) {
    ReplicaProcess& process = *processes_[index];
    if (process.is_stopped()) return;
    const bool acted = process.acts;
    if (!process.elect()) {
      tell(process.name() + " lost its lease");
      return start(index);
    }
    if (process.acts && !acted) tell(process.name() + " leads");
  }

  void work(size_t index) {
    ReplicaProcess& process = *processes_[index];
    if (process.is_stopped()) return;
    if (!process.is_cut())
      for (const kube::ResourceType* type :
           {&config::scheduled_spark_applications(), &config::spark_applications(), &kube::pods()})
        if (random_.one_in(2)) process.cache.sync(*type);
    if (!process.acts) return;
    for (int turns = static_cast<int>(random_.below(4)); turns > 0 && well(); --turns) {
      if (random_.one_in(2)) {
        process.work(Controller::Schedules, kSchedule);
        continue;
      }
      const auto runs = api_.peek_all(config::spark_applications());
      if (!runs.empty())
        process.work(Controller::Applications,
                     kube::key_of(*runs[random_.below(static_cast<uint32_t>(runs.size()))]));
      else if (process.is_busy(Controller::Applications))
        process.work(Controller::Applications, {});
    }
  }

  // The end: nothing goes wrong any more, what is on its way arrives, and everything may end.

  void settle() {
    tell("everything settles");
    network_.deliver_all();
    for (auto& process : processes_)
      process->stopped_until = process->cut_until = {};
    // The work that was under way is done or dropped with its process.
    start(0);
    start(1);
    network_.calm = true;
    // Until somebody leads and has decided about all that is due.
    for (int round = 0; round < 12 && well(); ++round) {
      clock_.advance(seconds(2));
      settle_once();
    }
    api_.set(config::scheduled_spark_applications(), kSchedule, "/spec/suspend", true);
    const scheduler::Instant until = floor<seconds>(clock_.now());
    for (int round = 0; round < 20 && well(); ++round) {
      settle_once();
      clock_.advance(seconds(2));
    }
    if (!well()) return;
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    books_.balance(*schedule, created_, until, {&ledgers_[0], &ledgers_[1]}, policy_);
  }

  void settle_once() {
    kubelet_.act(1);
    api_.collect_garbage();
    for (size_t index = 0; index < processes_.size(); ++index) {
      elect(index);
      ReplicaProcess& process = *processes_[index];
      process.cache.sync();
      if (!process.leads()) continue;
      for (const auto& run : api_.peek_all(config::spark_applications()))
        process.work(Controller::Applications, kube::key_of(*run));
      process.cache.sync();
      process.work(Controller::Schedules, kSchedule);
    }
  }

  const ReplicasPlan plan_;
  Random random_;
  tests::FakeClock clock_{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 3 / 7}}};
  tests::FakeApi api_{clock_};
  ReplicaBooks books_{api_, clock_};
  Network network_{api_, clock_, random_};
  std::array<tests::MemoryRecorder, 2> ledgers_;
  tests::MemoryEvents events_;
  ModelKubelet kubelet_{api_, clock_, random_};
  std::string policy_;
  scheduler::Instant created_{};
  int births_ = 0;
  int wishes_ = 0;
  Verdict verdict_;
  std::array<std::unique_ptr<ReplicaProcess>, 2> processes_;
};

}  // namespace

Verdict simulate_replicas(const ReplicasPlan& plan) {
  base::set_log_level(base::LogLevel::Off);
  return Replicas(plan).run();
}

}  // namespace simulation
