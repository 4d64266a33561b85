#include "tools/sparkcron/controllers.h"

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/mutex.h"
#include "config/names.h"
#include "kube/controller.h"
#include "kube/informer.h"
#include "kube/timed_api.h"
#include "monitor/log_keeping_api.h"
#include "monitor/run_observer.h"
#include "runner/applications/context.h"
#include "runner/schedules/reconciler.h"
#include "runner/schedules/stray.h"
#include "tools/sparkcron/territory.h"

namespace sparkcron {
namespace {

runner::applications::ApplicationOptions application_options(const ControllersOptions& options) {
  runner::applications::ApplicationOptions application = options.application;
  application.telemetry = options.telemetry;
  application.is_stray = runner::schedules::is_stray;
  return application;
}

// What the application controller would refuse to submit.
runner::schedules::TemplateCheck template_check(const ControllersOptions& options) {
  return [application = options.application](const nlohmann::json& run) {
    return runner::applications::check_template(run, application, "spec.template");
  };
}

// Driver and executor pods name their application by label: executors belong to the driver pod, not
// to it.
kube::KeyMapper application_of_pod() {
  return [](const kube::Json& pod) -> std::vector<kube::ObjectKey> {
    const std::string name = config::name_from_label(pod, config::kAppNameLabel);
    if (name.empty()) return {};
    return {{kube::key_of(pod).ns, name}};
  };
}

// A schedule waits for the drivers of its runs to die (Replace): their pods name it too.
kube::KeyMapper schedule_of_pod() {
  return [](const kube::Json& pod) -> std::vector<kube::ObjectKey> {
    const std::string name = config::name_from_label(pod, config::kScheduledAppNameLabel);
    if (name.empty() ||
        base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) != "driver")
      return {};
    return {{kube::key_of(pod).ns, name}};
  };
}

// Executors are most of the pods; of them only whose they are and how they stand is ever asked.
std::optional<kube::Json> trim_executor(const kube::Json& pod) {
  if (base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) != "executor")
    return std::nullopt;
  kube::Json less = pod;
  less.erase("spec");
  less["metadata"].erase("annotations");
  if (less.contains("status"))
    less["status"] = {{"phase", base::string_at(pod, {"status", "phase"})}};
  return less;
}

constexpr std::chrono::minutes kLasting{1};
// A list of a thousand versions takes a tenth of that.
constexpr std::chrono::milliseconds kListPatience{1'000};
// Of which a new leader writes events; the log has them all.
constexpr size_t kMostUnread = 1'000;

kube::ControllerHooks hooks_of(std::string controller, runner::Telemetry* telemetry) {
  if (telemetry == nullptr) return {};
  return {.on_depth = [controller,
                       telemetry](size_t depth) { telemetry->queue_length(controller, depth); },
          .on_reconciled =
              [controller, telemetry](const base::Error* error, std::chrono::milliseconds) {
                if (error != nullptr)
                  telemetry->reconcile_failed(controller, base::to_string(error->code));
              },
          .on_failing = [controller,
                         telemetry](size_t keys) { telemetry->objects_failing(controller, keys); }};
}

kube::TimedApi::Told api_calls_of(runner::Telemetry* telemetry) {
  if (telemetry == nullptr) return {};
  return [telemetry](std::string_view verb, std::string_view outcome,
                     std::chrono::milliseconds duration) {
    telemetry->api_called(verb, outcome, duration);
  };
}

void report_unreadable(kube::EventRecorder& events, const kube::ResourceType& type,
                       const kube::Unreadable& lost) {
  if (lost.key.name.empty()) return;  // nothing to hang an event on; the log has it
  kube::Json metadata = {{"name", lost.key.name}, {"uid", lost.uid}};
  if (!lost.key.ns.empty()) metadata["namespace"] = lost.key.ns;
  events.record({{"apiVersion", type.api_version()}, {"kind", type.kind}, {"metadata", metadata}},
                kube::EventType::Warning, "Unreadable", "Reading",
                "this object cannot be read and is left out: " + lost.reason);
}

// Of several replicas only the one that decides writes events.
class DeciderEvents final : public kube::EventRecorder {
 public:
  DeciderEvents(kube::EventRecorder& events, const std::atomic<bool>& deciding)
      : events_(events), deciding_(deciding) {}
  void record(const nlohmann::json& regarding, kube::EventType type, std::string_view reason,
              std::string_view action, std::string_view note) override {
    if (deciding_) events_.record(regarding, type, reason, action, note);
  }

 private:
  kube::EventRecorder& events_;
  const std::atomic<bool>& deciding_;
};

// What each replica on a cluster does, deciding or not. It writes nothing to the API.
struct Keepers {
  Keepers(kube::Api& behind, const kube::Cache& cache, const ControllersOptions::Keeping& keeping,
          kube::EventRecorder& recorder, const std::atomic<bool>& deciding, base::Clock& clock,
          const kube::Controller& schedules, const kube::Controller& applications)
      : events(recorder, deciding),
        observer(cache, keeping.ledger),
        collector(cache, keeping.logs, keeping.meanwhile, keeping.fetch, events, clock),
        api(behind, collector),
        // A thousand runs that start within seconds are a thousand records, each a transaction; and
        // after a restart each schedule is read for what its status knows and the ledger does not.
        observing({.name = "history", .workers = 2, .yields_to = {&schedules, &applications}},
                  observer, clock),
        collecting({.name = "log", .workers = 4}, collector, clock) {}

  void see(const kube::ResourceType& type, const kube::Json& object) {
    if (type == kube::pods()) {
      collector.seen(object);
      collecting.add(kube::key_of(object));
    } else {
      observer.seen(object);
      observing.add(kube::key_of(object));
    }
  }
  void see_schedule(const kube::ObjectKey& key) { observing.add(key); }

  DeciderEvents events;
  monitor::RunObserver observer;
  monitor::LogCollector collector;
  monitor::LogKeepingApi api;
  kube::Controller observing;
  kube::Controller collecting;
};

}  // namespace

struct Controllers::Parts {
  Parts(kube::Api& behind, kube::EventRecorder& events, runner::RunRecorder& recorder,
        base::Clock& clock, const ControllersOptions& options)
      : api(behind, clock, api_calls_of(options.telemetry)),
        territory(api, clock,
                  {.namespaces = options.namespaces, .selector = options.namespace_selector},
                  followed(), hooks(events, options.telemetry)),
        on_schedule(options.on_schedule),
        keepers(make_keepers(events, clock, options)),
        versions(api, territory.cache(), clock, config::scheduled_spark_applications(),
                 looks_at_all(options) ? kube::FreshVersions::Scope::All
                                       : kube::FreshVersions::Scope::Namespace,
                 {.waiting = [this](const std::string& ns) { return schedules.waiting(ns); },
                  .patience = kListPatience}),
        schedule_reconciler(deciders_api(), territory.cache(), events, recorder, clock,
                            {.default_time_zone = options.default_time_zone,
                             .telemetry = options.telemetry,
                             .check_template = template_check(options),
                             .versions = &versions}),
        application_reconciler(deciders_api(), territory.cache(), events, recorder, clock,
                               application_options(options)),
        schedules({.name = "schedule", .workers = static_cast<size_t>(options.workers)},
                  schedule_reconciler, clock, hooks_of("schedule", options.telemetry)),
        // Many schedules due at once: all their runs are created before drivers are submitted.
        applications({.name = "application",
                      .workers = static_cast<size_t>(options.workers),
                      .yields_to = {&schedules}},
                     application_reconciler, clock, hooks_of("application", options.telemetry)) {}

  std::unique_ptr<Keepers> make_keepers(kube::EventRecorder& events, base::Clock& clock,
                                        const ControllersOptions& options) {
    if (!options.keeping) return nullptr;
    return std::make_unique<Keepers>(api, territory.cache(), *options.keeping, events, deciding,
                                     clock, schedules, applications);
  }
  // One list of all is allowed, and is what the informers have.
  static bool looks_at_all(const ControllersOptions& options) {
    return options.namespaces.empty() && options.namespace_selector.empty();
  }
  kube::Api& deciders_api() {
    if (keepers == nullptr) return api;
    return keepers->api;
  }

  static std::vector<Territory::Followed> followed() {
    return {{.type = config::scheduled_spark_applications()},
            {.type = config::spark_applications()},
            {.type = kube::pods(),
             .label_selector = std::string(config::kLaunchedByLabel) + "=true",
             .indexed_label = config::kAppNameLabel,
             .trim = trim_executor}};
  }

  Territory::Hooks hooks(kube::EventRecorder& events, runner::Telemetry* telemetry) {
    return {.on_change = [this](const kube::ResourceType& type,
                                const kube::PackedObject& object) { look_at(type, object); },
            .on_unreadable =
                [this, &events, telemetry](const kube::ResourceType& type,
                                           const kube::Unreadable& lost) {
                  if (telemetry != nullptr) telemetry->object_unreadable(type.plural);
                  tell_unreadable(events, type, lost);
                }};
  }

  // Before the start nothing is kept: it looks at everything.
  void look_at(const kube::ResourceType& type, const kube::PackedObject& object) {
    if (type == config::scheduled_spark_applications()) return look_at_schedule(object);
    look_at_owners(type, *object.object());
  }

  // Thousands of them after a start: their keys are enough.
  void look_at_schedule(const kube::PackedObject& schedule) {
    if (keepers != nullptr) keepers->see_schedule(schedule.key());
    if (on_schedule) on_schedule(schedule);
    if (deciding) schedules.add(schedule.key());
  }

  void look_at_owners(const kube::ResourceType& type, const kube::Json& object) {
    // Before anybody acts on it: who deletes a pod waits for its log.
    if (keepers != nullptr) keepers->see(type, object);
    if (!deciding) return;
    const auto look = [&](kube::Controller& controller, const kube::KeyMapper& map) {
      for (const kube::ObjectKey& key : map(object))
        controller.add(key);
    };
    if (type == config::spark_applications()) {
      look(schedules, kube::owner_key(config::scheduled_spark_applications()));
      look(applications, kube::own_key());
    } else {
      look(schedules, schedule_of_pod());
      look(applications, application_of_pod());
    }
  }

  // Of several replicas only the one that decides writes events; the others keep what to say.
  void tell_unreadable(kube::EventRecorder& events, const kube::ResourceType& type,
                       const kube::Unreadable& lost) EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    if (deciding) return report_unreadable(events, type, lost);
    if (unread.size() < kMostUnread)
      unread.insert_or_assign({type.plural, lost.key}, std::pair(type, lost));
  }

  void begin_deciding(kube::EventRecorder& events) EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    deciding = true;
    for (const auto& [which, what] : std::exchange(unread, {}))
      report_unreadable(events, what.first, what.second);
  }

  std::atomic<bool> deciding = false;
  base::Mutex mutex;
  std::map<std::pair<std::string, kube::ObjectKey>, std::pair<kube::ResourceType, kube::Unreadable>>
      unread GUARDED_BY(mutex);
  kube::TimedApi api;
  Territory territory;
  const std::function<void(const kube::PackedObject&)> on_schedule;
  const std::unique_ptr<Keepers> keepers;  // null: not asked for
  kube::FreshVersions versions;
  runner::schedules::ScheduleReconciler schedule_reconciler;
  runner::applications::ApplicationReconciler application_reconciler;
  kube::Controller schedules;
  kube::Controller applications;
};

Controllers::Controllers(kube::Api& api, kube::EventRecorder& events, runner::RunRecorder& recorder,
                         base::Clock& clock, const ControllersOptions& options)
    : events_(events), parts_(std::make_unique<Parts>(api, events, recorder, clock, options)) {}

Controllers::~Controllers() {
  stop();
}

// All hold the lock to their end: whoever comes second finds the other's work done.
void Controllers::follow() {
  base::MutexLock lock(mutex_);
  follow_locked();
}

void Controllers::follow_locked() {
  if (state_ != State::New) return;
  state_ = State::Following;
  if (parts_->keepers != nullptr) {
    parts_->keepers->observing.start();
    parts_->keepers->collecting.start();
  }
  parts_->territory.start();
}

void Controllers::start() {
  base::MutexLock lock(mutex_);
  follow_locked();
  if (state_ != State::Following) return;
  state_ = State::Running;
  parts_->begin_deciding(events_);
  parts_->territory.tell_all();
  parts_->schedules.start();
  parts_->applications.start();
}

void Controllers::stop() {
  base::MutexLock lock(mutex_);
  const State before = std::exchange(state_, State::Stopped);
  if (before == State::New || before == State::Stopped) return;
  // Who waits for a log waits no more.
  if (parts_->keepers != nullptr) parts_->keepers->collector.stop();
  // Nothing new is started first, then what runs is no longer followed.
  parts_->schedules.stop();
  parts_->applications.stop();
  if (parts_->keepers != nullptr) {
    parts_->keepers->collecting.stop();
    parts_->keepers->observing.stop();
  }
  parts_->territory.stop();
}

void Controllers::look_again() {
  if (parts_->keepers != nullptr) parts_->keepers->observer.look_again();
  // Who does not decide yet only observes.
  parts_->territory.tell_all();
}

std::string Controllers::annotation(const kube::ResourceType& type, const kube::ObjectKey& key,
                                    const char* name) const {
  const auto object = parts_->territory.cache().get(type, key);
  return object == nullptr ? std::string()
                           : base::string_at(*object, {"metadata", "annotations", name});
}

const kube::Cache& Controllers::cache() const {
  return parts_->territory.cache();
}

monitor::LogCollectorNumbers Controllers::logs() const {
  return parts_->keepers != nullptr ? parts_->keepers->collector.numbers()
                                    : monitor::LogCollectorNumbers{};
}

bool Controllers::ready() const {
  return parts_->territory.ready();
}

void Controllers::await_starts(std::chrono::milliseconds most) const {
  parts_->schedules.await_drained(most);
}

base::Status Controllers::objects_work() const {
  const size_t count = parts_->schedules.failures().lasting(kLasting) +
                       parts_->applications.failures().lasting(kLasting);
  if (count == 0) return {};
  return base::failure(base::Code::Unavailable, std::to_string(count) +
                                                    (count == 1 ? " object has" : " objects have") +
                                                    " been failing for over a minute");
}

}  // namespace sparkcron
