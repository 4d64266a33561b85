#include "tools/sparkcron/controllers.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/mutex.h"
#include "config/names.h"
#include "kube/controller.h"
#include "kube/informer.h"
#include "runner/applications/submitter.h"
#include "runner/schedules/reconciler.h"

namespace sparkcron {
namespace {

runner::applications::ApplicationOptions application_options(const ControllersOptions& options) {
  runner::applications::ApplicationOptions application = options.application;
  application.telemetry = options.telemetry;
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

constexpr std::chrono::minutes kLasting{1};
// Of which a new leader writes events; the log has them all.
constexpr size_t kMostUnread = 1'000;

kube::ControllerHooks hooks_of(std::string controller, runner::Telemetry* telemetry) {
  if (telemetry == nullptr) return {};
  return {.on_depth = {},
          .on_reconciled =
              [controller, telemetry](const base::Error* error, std::chrono::milliseconds) {
                if (error != nullptr)
                  telemetry->reconcile_failed(controller, base::to_string(error->code));
              },
          .on_failing = [controller,
                         telemetry](size_t keys) { telemetry->objects_failing(controller, keys); }};
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

}  // namespace

struct Controllers::Parts {
  Parts(kube::Api& api, kube::EventRecorder& events, runner::RunRecorder& recorder,
        base::Clock& clock, const ControllersOptions& options)
      : schedule_reconciler(api, cache, events, recorder, clock,
                            {.default_time_zone = options.default_time_zone,
                             .telemetry = options.telemetry,
                             .check_template = template_check(options)}),
        application_reconciler(api, cache, events, recorder, clock, application_options(options)),
        schedules({.name = "schedule", .workers = static_cast<size_t>(options.workers)},
                  schedule_reconciler, clock, hooks_of("schedule", options.telemetry)),
        // Many schedules due at once: all their runs are created before drivers are submitted.
        applications({.name = "application",
                      .workers = static_cast<size_t>(options.workers),
                      .yields_to = &schedules},
                     application_reconciler, clock, hooks_of("application", options.telemetry)) {
    const std::vector<std::string> everywhere{""};
    for (const std::string& ns : options.namespaces.empty() ? everywhere : options.namespaces)
      follow(api, clock, ns);
    for (kube::Informer& informer : informers) {
      informer.on_unreadable([this, &events, telemetry = options.telemetry](
                                 const kube::ResourceType& type, const kube::Unreadable& lost) {
        if (telemetry != nullptr) telemetry->object_unreadable(type.plural);
        tell_unreadable(events, type, lost);
      });
    }
  }

  void follow(kube::Api& api, base::Clock& clock, const std::string& ns) {
    kube::Informer& of_schedules = informers.emplace_back(
        api, clock, config::scheduled_spark_applications(), kube::ListOptions{.ns = ns});
    kube::Informer& of_applications = informers.emplace_back(
        api, clock, config::spark_applications(), kube::ListOptions{.ns = ns});
    kube::Informer& of_pods = informers.emplace_back(
        api, clock, kube::pods(),
        kube::ListOptions{.ns = ns,
                          .label_selector = std::string(config::kLaunchedByLabel) + "=true"},
        kube::BackOffPolicy{}, config::kAppNameLabel);
    for (const kube::Informer* informer : {&of_schedules, &of_applications, &of_pods})
      cache.add(*informer);
    schedules.watch(of_schedules, kube::own_key());
    schedules.watch(of_applications, kube::owner_key(config::scheduled_spark_applications()));
    schedules.watch(of_pods, schedule_of_pod());
    applications.watch(of_applications, kube::own_key());
    applications.watch(of_pods, application_of_pod());
  }

  // Of several replicas only the one that decides writes events; the others keep what to say.
  void tell_unreadable(kube::EventRecorder& events, const kube::ResourceType& type,
                       const kube::Unreadable& lost) EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    if (deciding) return report_unreadable(events, type, lost);
    if (unread.size() < kMostUnread) unread.insert_or_assign({type.plural, lost.key}, lost);
  }

  void begin_deciding(kube::EventRecorder& events) EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    deciding = true;
    for (const auto& [which, lost] : std::exchange(unread, {}))
      for (const kube::Informer& informer : informers)
        if (informer.type().plural == which.first) {
          report_unreadable(events, informer.type(), lost);
          break;
        }
  }

  std::atomic<bool> deciding = false;
  base::Mutex mutex;
  std::map<std::pair<std::string, kube::ObjectKey>, kube::Unreadable> unread GUARDED_BY(mutex);
  kube::InformerCache cache;
  std::deque<kube::Informer> informers;
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
  for (kube::Informer& informer : parts_->informers)
    informer.start();
}

void Controllers::start() {
  base::MutexLock lock(mutex_);
  follow_locked();
  if (state_ != State::Following) return;
  state_ = State::Running;
  parts_->begin_deciding(events_);
  parts_->schedules.start();
  parts_->applications.start();
}

void Controllers::stop() {
  base::MutexLock lock(mutex_);
  const State before = std::exchange(state_, State::Stopped);
  if (before == State::New || before == State::Stopped) return;
  // Nothing new is started first, then what runs is no longer followed.
  parts_->schedules.stop();
  parts_->applications.stop();
  for (kube::Informer& informer : parts_->informers)
    informer.stop();
}

void Controllers::look_again() {
  if (!parts_->deciding) return;
  for (const auto& schedule : parts_->cache.list(config::scheduled_spark_applications(), ""))
    parts_->schedules.add(kube::key_of(*schedule));
  for (const auto& application : parts_->cache.list(config::spark_applications(), ""))
    parts_->applications.add(kube::key_of(*application));
}

bool Controllers::ready() const {
  return parts_->schedules.ready() && parts_->applications.ready();
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
