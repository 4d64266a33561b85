#include "tests/simulation/replicas.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "kube/candidate.h"
#include "kube/fenced_api.h"
#include "runner/applications/reconciler.h"
#include "runner/schedules/reconciler.h"
#include "runner/schedules/stray.h"
#include "tests/simulation/fiber.h"
#include "tests/simulation/network.h"
#include "tests/simulation/truth.h"
#include "tests/support/memory_recorder.h"

namespace simulation {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::seconds;

const kube::ObjectKey kLease{"spark", "sparkcron-controller"};
constexpr const char* kPolicies[] = {"Allow", "Forbid", "Replace"};
constexpr const char* kMissed[] = {"Latest", "All", "Skip"};
constexpr const char* kExpressions[] = {"*/20 * * * * *", "*/45 * * * * *", "*/7 * * * * *"};

std::string text(Instant time) {
  return base::format_rfc3339(time);
}

std::optional<Instant> slot_of(const json& run) {
  const auto slot = base::parse_rfc3339(
      base::string_at(run, {"metadata", "annotations", config::kScheduledTimeAnnotation}));
  if (!slot) return std::nullopt;
  return floor<seconds>(*slot);
}

// What really happened.
class Books {
 public:
  Books(const tests::FakeApi& api, const tests::FakeClock& clock) : api_(api), clock_(clock) {}

  void violated(const std::string& what) {
    if (violation.empty()) violation = what;
  }

  void write_begins(const std::string& who, const std::string& what) {
    const auto lease = api_.peek(kube::leases(), kLease);
    const std::string holder = lease == nullptr ? "" : kube::lease_record(*lease).holder;
    if (holder != who) violated(who + " begins to " + what + ", but " + holder + " leads");
  }

  void run_created(const kube::ObjectKey& key) {
    const auto run = api_.peek(config::spark_applications(), key);
    const auto slot = slot_of(*run);
    if (!slot) return violated(key.name + " does not know its slot");
    if (*slot > floor<seconds>(clock_.now())) violated(key.name + " was created early");
    slots_[kube::uid_of(*run)] = *slot;
  }

  // True when it may run: of its slot it is the first.
  void driver_started(const std::string& run_uid, const std::string& policy, size_t others) {
    const auto slot = slots_.find(run_uid);
    if (slot == slots_.end()) return violated("a driver of an unknown run starts");
    if (++started_[slot->second] > 1) violated("slot " + text(slot->second) + " ran twice");
    if (policy != "Allow" && others > 0) violated("two drivers are alive under " + policy);
  }

  // Everything has ended and been looked at; nothing after `until` is owed.
  void balance(const json& schedule, Instant created, Instant until,
               const std::vector<tests::MemoryRecorder*>& ledgers, const std::string& policy) {
    const auto parsed = config::parse_schedule_spec(schedule, "UTC");
    std::set<std::pair<Instant, Instant>> seen;
    std::vector<runner::SkipRecord> skips;
    for (const tests::MemoryRecorder* ledger : ledgers)
      for (const auto& [key, skip] : ledger->skips)
        if (seen.emplace(skip.from, skip.to).second) skips.push_back(skip);
    const auto skipped = [&](Instant slot) {
      return std::count_if(skips.begin(), skips.end(), [&](const runner::SkipRecord& skip) {
        return skip.from <= slot && slot <= skip.to;
      });
    };
    uint64_t starts = 0;
    uint64_t skip_count = 0;
    Instant slot = created;
    while (const auto next = parsed->spec.schedule->next(slot)) {
      if (*next > until) break;
      slot = *next;
      const bool ran = started_.contains(slot);
      const bool had_run = std::any_of(slots_.begin(), slots_.end(),
                                       [&](const auto& one) { return one.second == slot; });
      const auto times = skipped(slot);
      if (times > 1) violated("slot " + text(slot) + " was skipped twice");
      if (times > 0 && ran) violated("slot " + text(slot) + " was both started and skipped");
      if (times == 0 && !had_run) violated("slot " + text(slot) + " was lost");
      // Replace may stop a run before its driver starts.
      if (times == 0 && !ran && policy != "Replace")
        violated("slot " + text(slot) + " has a run whose driver never started");
      ++(times > 0 ? skip_count : starts);
    }
    expect(schedule, "started", starts);
    expect(schedule, "skipped", skip_count);
    expect(schedule, "active", 0);
    const auto succeeded = base::integer_at(schedule, {"status", "counts", "succeeded"});
    const auto failed = base::integer_at(schedule, {"status", "counts", "failed"});
    if (succeeded.value_or(0) + failed.value_or(0) != static_cast<int64_t>(starts))
      violated("not every run has an outcome");
  }

  std::string violation;

 private:
  void expect(const json& schedule, const char* name, uint64_t truth) {
    const auto said = base::integer_at(schedule, {"status", "counts", name}).value_or(-1);
    if (said != static_cast<int64_t>(truth))
      violated(std::string("counts.") + name + " is " + std::to_string(said) + ", but it was " +
               std::to_string(truth));
  }

  const tests::FakeApi& api_;
  const tests::FakeClock& clock_;
  std::map<std::string, Instant> slots_;  // by UID of each run
  std::map<Instant, int> started_;        // drivers that started
};

// The product's order of things in one process: election, fence, caches, controllers. One fiber for
// each of the two controllers.
class Process {
 public:
  Process(std::string name, Network& network, Books& books, tests::MemoryRecorder& ledger,
          kube::EventRecorder& events, const ReplicasPlan& plan)
      : name_(std::move(name)),
        network_(network),
        plan_(plan),
        cache(network.api),
        lease_wire_(network, {.is_cut = [this] { return is_cut(); }, .pause = [] {}, .writes = {}}),
        candidate(lease_wire_, network.clock, {.lease = kLease, .identity = name_, .times = {}}),
        wire_(network,
              {.is_cut = [this] { return is_cut(); },
               .pause = [this] { pause(); },
               .writes = [this,
                          &books](const std::string& what) { books.write_begins(name_, what); }}),
        fenced_(wire_, [this] { return plan_.without == Without::Fence || candidate.leading(); }),
        gate_(
            fenced_, [this] { come_to_a_call(); }, plan.without),
        schedules_(gate_, cache, events, ledger, network.clock, {}),
        applications_(gate_, cache, events, ledger, network.clock, options(plan)) {
    cache.sync();
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_stopped() const { return network_.clock.now() < stopped_until; }
  [[nodiscard]] bool is_cut() const { return network_.clock.now() < cut_until; }

  // False: it has lost its lease, and ends.
  bool elect() {
    if (network_.clock.now() < next_attempt_) return true;
    next_attempt_ = network_.clock.now() + candidate.options().times.retry;
    const bool held = candidate.attempt();
    if (held) acts = true;
    return held || !acts || candidate.leading();
  }

  // Goes on with what a controller does, or begins something.
  void work(size_t controller, const kube::ObjectKey& key) {
    auto& fiber = fibers_[controller];
    if (fiber != nullptr && fiber->ended()) fiber.reset();
    if (fiber == nullptr) {
      fiber = std::make_unique<Fiber>([this, controller, key](Fiber&) {
        kube::Reconciler& reconciler =
            controller == 0 ? static_cast<kube::Reconciler&>(schedules_) : applications_;
        (void)reconciler.reconcile(key);
      });
    }
    running_ = fiber.get();
    fiber->resume();
    running_ = nullptr;
  }
  [[nodiscard]] bool is_busy(size_t controller) const {
    return fibers_[controller] != nullptr && !fibers_[controller]->ended();
  }

  bool acts = false;  // it was elected once
  base::WallTime stopped_until{};
  base::WallTime cut_until{};

 private:
  // Each call of a controller comes through here before the fence.
  class Gate final : public kube::ForwardingApi {
   public:
    Gate(kube::Api& api, std::function<void()> at_call, Without without)
        : ForwardingApi(api), at_call_(std::move(at_call)), without_(without) {}
    base::Result<json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override {
      at_call_();
      return ForwardingApi::get(type, key);
    }
    base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                        const kube::ListOptions& list_options) override {
      at_call_();
      return ForwardingApi::list(type, list_options);
    }
    base::Result<json> create(const kube::ResourceType& type, const json& object) override {
      at_call_();
      return ForwardingApi::create(type, object);
    }
    base::Result<json> update(const kube::ResourceType& type, const json& object,
                              std::string_view subresource) override {
      at_call_();
      json next = object;
      if (without_ == Without::Versions) next["metadata"].erase("resourceVersion");
      return ForwardingApi::update(type, next, subresource);
    }
    base::Result<json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                             kube::PatchType patch_type, const json& patch,
                             const kube::PatchOptions& patch_options) override {
      at_call_();
      json next = patch;
      if (without_ == Without::Versions && next.contains("metadata"))
        next["metadata"].erase("resourceVersion");
      return ForwardingApi::patch(type, key, patch_type, next, patch_options);
    }
    base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                        const kube::DeleteOptions& delete_options) override {
      at_call_();
      return ForwardingApi::remove(type, key, delete_options);
    }

   private:
    const std::function<void()> at_call_;
    const Without without_;
  };

  static runner::applications::ApplicationOptions options(const ReplicasPlan& plan) {
    runner::applications::ApplicationOptions options;
    if (plan.without != Without::StrayCheck) options.is_stray = runner::schedules::is_stray;
    return options;
  }

  void come_to_a_call() {
    if (!network_.calm && network_.random.one_in(3)) pause();
  }
  void pause() {
    if (!network_.calm && running_ != nullptr) running_->pause();
  }

  const std::string name_;
  Network& network_;
  const ReplicasPlan plan_;

 public:
  tests::FakeCache cache;

 private:
  Wire lease_wire_;

 public:
  kube::Candidate candidate;

 private:
  Wire wire_;
  kube::FencedApi fenced_;
  Gate gate_;
  runner::schedules::ScheduleReconciler schedules_;
  runner::applications::ApplicationReconciler applications_;
  base::WallTime next_attempt_{};
  Fiber* running_ = nullptr;
  // Last: they end before what they use.
  std::array<std::unique_ptr<Fiber>, 2> fibers_;
};

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
    processes_[index] =
        std::make_unique<Process>(name, network_, books_, ledgers_[index], events_, plan_);
    tell(name + " starts");
  }

  void one_step() {
    clock_.advance(std::chrono::milliseconds(random_.below(3'000)));
    network_.deliver_due();
    trouble();
    node_acts();
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
    Process& process = *processes_[random_.below(2)];
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

  void elect(size_t index) {
    Process& process = *processes_[index];
    if (process.is_stopped()) return;
    const bool acted = process.acts;
    if (!process.elect()) {
      tell(process.name() + " lost its lease");
      return start(index);
    }
    if (process.acts && !acted) tell(process.name() + " leads");
  }

  void work(size_t index) {
    Process& process = *processes_[index];
    if (process.is_stopped()) return;
    if (!process.is_cut())
      for (const kube::ResourceType* type :
           {&config::scheduled_spark_applications(), &config::spark_applications(), &kube::pods()})
        if (random_.one_in(2)) process.cache.sync(*type);
    if (!process.acts) return;
    for (int turns = static_cast<int>(random_.below(4)); turns > 0 && well(); --turns) {
      const size_t controller = random_.below(2);
      if (controller == 0 || process.is_busy(1)) {
        process.work(controller, kSchedule);
        continue;
      }
      const auto runs = api_.peek_all(config::spark_applications());
      if (runs.empty()) continue;
      process.work(1, kube::key_of(*runs[random_.below(static_cast<uint32_t>(runs.size()))]));
    }
  }

  // The node.

  struct Driver {
    std::string pod_uid;
    std::string run_uid;
    bool alive = false;
  };

  void node_acts() {
    for (const auto& pod : api_.peek_all(kube::pods()))
      node_acts_on(*pod, 3, 3);
  }

  // `starting` and `ending`: one in so many steps.
  void node_acts_on(const json& pod, uint32_t starting, uint32_t ending) {
    if (base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) != "driver") return;
    const kube::ObjectKey key = kube::key_of(pod);
    const auto found = std::find_if(drivers_.begin(), drivers_.end(), [&](const Driver& one) {
      return one.pod_uid == kube::uid_of(pod);
    });
    Driver* driver = found == drivers_.end() ? nullptr : &*found;
    if (kube::is_deleting(pod)) {
      if (driver != nullptr && driver->alive && !random_.one_in(ending)) return;
      if (driver != nullptr) driver->alive = false;
      return api_.erase(kube::pods(), key);
    }
    if (driver == nullptr) {
      if (random_.one_in(starting)) start_driver(pod);
    } else if (driver->alive && random_.one_in(ending)) {
      driver->alive = false;
      const int exit_code = random_.one_in(4) ? 1 : 0;
      tell("driver " + key.name + " exits " + std::to_string(exit_code));
      api_.set(kube::pods(), key, "/status",
               {{"phase", exit_code == 0 ? "Succeeded" : "Failed"},
                {"containerStatuses",
                 {{{"name", config::kDriverContainer},
                   {"state",
                    {{"terminated",
                      {{"exitCode", exit_code},
                       {"finishedAt", text(floor<seconds>(clock_.now()))}}}}}}}}});
    }
  }

  void start_driver(const json& pod) {
    const Driver driver{.pod_uid = kube::uid_of(pod),
                        .run_uid = base::string_at(pod["metadata"]["ownerReferences"][0], {"uid"}),
                        .alive = true};
    const auto others = std::count_if(drivers_.begin(), drivers_.end(), [&](const Driver& one) {
      return one.alive && one.run_uid != driver.run_uid;
    });
    drivers_.push_back(driver);
    tell("driver " + kube::key_of(pod).name + " runs");
    books_.driver_started(driver.run_uid, policy_, static_cast<size_t>(others));
    api_.set(kube::pods(), kube::key_of(pod), "/status",
             {{"phase", "Running"}, {"startTime", text(floor<seconds>(clock_.now()))}});
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
    const Instant until = floor<seconds>(clock_.now());
    for (int round = 0; round < 20 && well(); ++round) {
      settle_once();
      clock_.advance(seconds(2));
    }
    if (!well()) return;
    const auto schedule = api_.peek(config::scheduled_spark_applications(), kSchedule);
    books_.balance(*schedule, created_, until, {&ledgers_[0], &ledgers_[1]}, policy_);
  }

  void settle_once() {
    for (const auto& pod : api_.peek_all(kube::pods()))
      node_acts_on(*pod, 1, 1);
    api_.collect_garbage();
    for (size_t index = 0; index < processes_.size(); ++index) {
      elect(index);
      Process& process = *processes_[index];
      process.cache.sync();
      if (!process.candidate.leading()) continue;
      for (const auto& run : api_.peek_all(config::spark_applications()))
        process.work(1, kube::key_of(*run));
      process.cache.sync();
      process.work(0, kSchedule);
    }
  }

  const ReplicasPlan plan_;
  Random random_;
  tests::FakeClock clock_{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 3 / 7}}};
  tests::FakeApi api_{clock_};
  Books books_{api_, clock_};
  Network network_{api_, clock_, random_};
  std::array<tests::MemoryRecorder, 2> ledgers_;
  tests::MemoryEvents events_;
  std::vector<Driver> drivers_;
  std::string policy_;
  Instant created_{};
  int births_ = 0;
  Verdict verdict_;
  std::array<std::unique_ptr<Process>, 2> processes_;
};

}  // namespace

Verdict simulate_replicas(const ReplicasPlan& plan) {
  base::set_log_level(base::LogLevel::Off);
  return Replicas(plan).run();
}

}  // namespace simulation
