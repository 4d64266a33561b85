#include "runner/applications/reconciler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/saturating.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/applications/context.h"
#include "runner/applications/events.h"
#include "runner/failure.h"
#include "runner/run_record.h"
#include "runner/submission/checks.h"
#include "runner/submission/names.h"

namespace runner::applications {
namespace {

using base::Code;
using base::string_at;
using nlohmann::json;

// A single failed round is everyday (a conflict, a restart of the API server).
constexpr int kFailuresToTell = 3;
// Less than those five seconds: the API server's clock may be behind.
constexpr std::chrono::seconds kInTime{2};

// The last moment that the schedule of a run allows for its start.
std::optional<base::WallTime> start_by(const kube::Cache& cache, const json& run) {
  const auto owner = kube::owner_of_kind(run, config::kScheduleKind);
  const auto slot = scheduled_time(run);
  if (!owner || !slot) return std::nullopt;
  const auto schedule =
      cache.get(config::scheduled_spark_applications(), {kube::key_of(run).ns, owner->name});
  if (schedule == nullptr || kube::uid_of(*schedule) != owner->uid) return std::nullopt;
  const auto allowed = base::integer_at(*schedule, {"spec", "startingDeadlineSeconds"});
  if (!allowed) return std::nullopt;
  return base::saturating_add(*slot, base::saturating_seconds(*allowed));
}

}  // namespace

ApplicationReconciler::ApplicationReconciler(kube::Api& api, const kube::Cache& cache,
                                             kube::EventRecorder& events, RunRecorder& recorder,
                                             base::Clock& clock, ApplicationOptions options)
    : api_(api),
      cache_(cache),
      events_(events),
      recorder_(recorder),
      clock_(clock),
      options_(std::move(options)),
      submitter_(api, cache, events, clock, options_),
      telemetry_(options_.telemetry) {}

base::Result<kube::Reconciled> ApplicationReconciler::reconcile(const kube::ObjectKey& key) {
  // 1. Load. A cache that lags shows an older object; its writes then fail with Conflict and come
  // back.
  const auto object = cache_.get(config::spark_applications(), key);
  if (object == nullptr) {
    forget_unwritten(key);
    telemetry_.gone(key);
    return kube::Reconciled{};
  }
  Application app = read_application(*object);
  if (app.status.not_submitted_since) app.start_by = start_by(cache_, *object);

  if (app.status.state == AppState::New) {
    ASSIGN_OR_RETURN(const bool dropped, drop_stray(app, *object));
    if (dropped) return kube::Reconciled{};
  }

  // 2. Observe.
  ASSIGN_OR_RETURN(const ObservedPods observed, observe(app, *object));

  // 3. Decide.
  const ApplicationDecision decision = decide(clock_.now(), app, observed, submission_id_of);

  // 4. Act. A crash between two actions: the next decision sees what exists and goes on from there.
  Round round{.app = app,
              .object = *object,
              .observed = observed,
              .status = decision.status,
              .version = kube::resource_version_of(*object),
              .wake_at = decision.wake_at};
  for (const ApplicationAction& action : decision.actions) {
    RETURN_IF_ERROR(perform(action, round));
  }

  // 5. Record, then tell. A crash after recording repeats it: the ledger knows the run by its UID.
  // Only what is recorded becomes final in the status, and only what is final there is ever
  // deleted.
  if (round.status == app.status) {
    // Again, for a ledger that was lost: one that has the run writes nothing.
    if (app.status.state != AppState::New)
      RETURN_IF_ERROR(recorder_.record_run(run_record(*object, app.status)));
    telemetry_.seen(app, *object, cache_);
    return kube::Reconciled{round.wake_at};
  }
  RETURN_IF_ERROR(recorder_.record_run(run_record(*object, round.status)));
  RETURN_IF_ERROR(write(round));
  // While it is not submitted, a creation that was not answered may have made a driver all the
  // same.
  if (!round.status.not_submitted_since) forget_unwritten(key);
  telemetry_.written(app, *object, round.status, cache_);
  std::vector<ApplicationEvent> news = events_of(app, round.status);
  for (ApplicationEvent& event : executor_events(app, round.status, observed.executor_failures))
    news.push_back(std::move(event));
  for (const ApplicationEvent& event : news) {
    events_.record(*object, event.warning ? kube::EventType::Warning : kube::EventType::Normal,
                   event.reason, "Reconciling", event.note);
  }
  return kube::Reconciled{round.wake_at};
}

void ApplicationReconciler::failing(const kube::ObjectKey& key, const base::Error& error,
                                    int failures) {
  if (failures < kFailuresToTell) return;
  const auto object = cache_.get(config::spark_applications(), key);
  if (object == nullptr) return;
  const ApplicationEvent event = reconcile_failing(error.message, failures);
  events_.record(*object, kube::EventType::Warning, event.reason, "Reconciling", event.note);
}

// A driver pod whose name the status could not be given: the write failed, or the spec was edited
// in between. (After a restart the informer has listed it.)
std::string ApplicationReconciler::unwritten_driver(const Application& app) const {
  base::MutexLock lock(mutex_);
  const auto found = unwritten_.find(app.key);
  return found != unwritten_.end() && found->second.uid == app.uid ? found->second.pod : "";
}

void ApplicationReconciler::forget_unwritten(const kube::ObjectKey& key) {
  base::MutexLock lock(mutex_);
  unwritten_.erase(key);
}

// The driver is the one that the status names, whatever the spec says by now. Before there is such
// a name it may be one that a crash or an edit kept from being written down.
base::Result<std::optional<json>> ApplicationReconciler::find_driver(const Application& app,
                                                                     const json& object) const {
  const bool decides =
      !is_final(app.status.state) && (app.status.state != AppState::New || app.deleting);
  const std::string unwritten = unwritten_driver(app);
  std::vector<std::string> names;
  for (const std::string& name : {unwritten, app.status.driver_pod, driver_pod_name(object)}) {
    // A name that no object can have names no driver, and must not keep an application from going.
    const bool possible = submission::is_object_name(name);
    if (possible && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  for (const std::string& name : names) {
    const kube::ObjectKey key{app.key.ns, name};
    if (const auto cached = cache_.get(kube::pods(), key)) {
      if (kube::is_owned_by(*cached, app.uid)) return std::optional<json>(*cached);
      continue;
    }
    // That a driver is gone decides a run's outcome: the cache alone is not believed. A new
    // application need not look, since creating the pod itself finds out.
    if (!decides && name != unwritten) continue;
    auto live = api_.get(kube::pods(), key);
    if (live && kube::is_owned_by(*live, app.uid)) return std::optional<json>(std::move(*live));
    if (!live && live.error().code != Code::NotFound) return base::failure(live.error());
  }
  for (const auto& pod : cache_.owned_by(kube::pods(), app.uid)) {
    const bool driver =
        string_at(*pod, {"metadata", "labels", config::kSparkRoleLabel}) == "driver";
    if (driver && !has_ended(read_driver(*pod))) return std::optional<json>(*pod);
  }
  return std::optional<json>();
}

base::Result<ObservedPods> ApplicationReconciler::observe(const Application& app,
                                                          const json& object) const {
  ObservedPods observed;
  ASSIGN_OR_RETURN(const std::optional<json> driver, find_driver(app, object));
  if (driver) {
    observed.driver = read_driver(*driver);
    // A node names places in the pod; people look for what they wrote.
    for (std::string* text : {&observed.driver->pod_failure, &observed.driver->waiting})
      *text = submission::with_written_paths(std::move(*text), *driver, object);
  }
  for (const auto& pod : executors_of(cache_, app)) {
    const std::string name = kube::key_of(*pod).name;
    const std::string state = executor_state(*pod);
    observed.executors[name] = state;
    if (state == "FAILED") observed.executor_failures[name] = executor_failure(*pod);
  }
  if (app.status.state == AppState::SubmissionFailed) {
    if (const auto problem = check_template(object, options_, "spec"))
      observed.spec_problem = problem->message;
  }
  return observed;
}

base::Status ApplicationReconciler::perform(const ApplicationAction& action, Round& round) {
  const Application& app = round.app;
  if (const auto* step = std::get_if<Submit>(&action)) {
    {
      base::MutexLock lock(mutex_);
      unwritten_[app.key] = {.uid = app.uid, .pod = driver_pod_name(round.object)};
    }
    ASSIGN_OR_RETURN(Submitter::Tried tried, submitter_.submit(app, round.object, step->attempt));
    round.status = std::move(tried.status);
    if (tried.wake_at) round.wake_at = tried.wake_at;
    return {};
  }
  if (std::holds_alternative<AddFinalizer>(action))
    return set_finalizer(round, kube::Finalizer::Present);
  if (std::holds_alternative<RemoveFinalizer>(action))
    return set_finalizer(round, kube::Finalizer::Absent);
  if (std::holds_alternative<CleanUp>(action)) return clean_up(round);
  // A crash after it: the edit is still one, and the same is written again.
  if (std::holds_alternative<PlaceExecutors>(action))
    return submitter_.place_executors(app, round.object);
  // By UID: a namesake that has taken the place meanwhile is left alone.
  if (std::holds_alternative<DeleteApplication>(action))
    return remove(config::spark_applications(), app.key.name, app.key.ns, app.uid);
  if (!round.observed.driver) return {};
  // Once the pod's name is free, an earlier creation of it may still arrive, and must not start.
  // A driver that runs keeps what it has mounted, and its executors, to end as it likes.
  RETURN_IF_ERROR(submitter_.remove_configuration(app));
  return remove(kube::pods(), round.observed.driver->name, app.key.ns, round.observed.driver->uid);
}

// That there is no driver is believed once none can start any more: one whose creation was on its
// way may have come, and started, before its ConfigMap went.
base::Status ApplicationReconciler::clean_up(const Round& round) {
  RETURN_IF_ERROR(submitter_.clean_up(round.app, round.object));
  if (round.observed.driver) return {};
  ASSIGN_OR_RETURN(const std::optional<json> driver, find_driver(round.app, round.object));
  if (!driver) return {};
  return base::failure(Code::Conflict,
                       "driver pod " + kube::key_of(*driver).to_string() +
                           " has come meanwhile; the application is looked at again");
}

base::Status ApplicationReconciler::remove(const kube::ResourceType& type, const std::string& name,
                                           const std::string& ns, const std::string& uid) {
  const auto removed = api_.remove(type, {ns, name}, {.uid = uid});
  // Conflict: that one is gone, and another has its name.
  const bool gone = !removed && (removed.error().code == Code::NotFound ||
                                 removed.error().code == Code::Conflict);
  return gone ? base::Status() : removed;
}

// A run that is created in time cannot be one: another replica leads fifteen seconds after a last
// renewal at the earliest, which is five seconds after the last moment at which a write could
// begin, and no slot is passed before.
base::Result<bool> ApplicationReconciler::drop_stray(const Application& app, const json& object) {
  const auto owner = kube::controller_of(object);
  if (!options_.is_stray || !owner || owner->kind != config::kScheduleKind) return false;
  const auto slot = scheduled_time(object);
  const auto created = kube::created_at(object);
  if (!slot || !created || *created < *slot + kInTime) return false;
  const auto schedule = api_.get(config::scheduled_spark_applications(), {app.key.ns, owner->name});
  // Of a deleted schedule garbage collection takes it.
  if (!schedule && schedule.error().code == Code::NotFound) return false;
  if (!schedule) return base::failure(schedule.error());
  if (!options_.is_stray(*schedule, object)) return false;
  // It goes unrecorded: it never was a run. A crash in between: it is found again.
  if (app.has_finalizer) {
    const json patch{{"metadata",
                      {{"uid", app.uid},
                       {"resourceVersion", kube::resource_version_of(object)},
                       {"finalizers", kube::finalizers_with(object, config::kRunFinalizer,
                                                            kube::Finalizer::Absent)}}}};
    const auto patched =
        api_.patch(config::spark_applications(), app.key, kube::PatchType::MergePatch, patch);
    if (!patched && patched.error().code != Code::NotFound) return base::failure(patched.error());
  }
  RETURN_IF_ERROR(remove(config::spark_applications(), app.key.name, app.key.ns, app.uid));
  events_.record(*schedule, kube::EventType::Warning, "LateRunDropped", "Reconciling",
                 "run " + app.key.name +
                     " was created after its slot had been accounted for, by a replica that led "
                     "no more; it was deleted and not started");
  return true;
}

base::Status ApplicationReconciler::set_finalizer(Round& round, kube::Finalizer wanted) {
  const Application& app = round.app;
  const json finalizers = kube::finalizers_with(round.object, config::kRunFinalizer, wanted);
  // With the UID, a namesake that was created meanwhile is left alone; without the resourceVersion
  // a lost finalizer of somebody else's could come back, so it is sent too.
  const json patch{
      {"metadata",
       {{"uid", app.uid}, {"resourceVersion", round.version}, {"finalizers", finalizers}}}};
  const auto patched =
      api_.patch(config::spark_applications(), app.key, kube::PatchType::MergePatch, patch);
  if (patched) {
    round.version = kube::resource_version_of(*patched);
    return {};
  }
  if (patched.error().code == Code::NotFound && wanted == kube::Finalizer::Absent) return {};
  return base::failure(patched.error());
}

base::Status ApplicationReconciler::write(const Round& round) {
  const Application& app = round.app;
  json next = write_status(round.status);
  // A merge patch removes only what is named: fields that are no longer there become null.
  const json* before = base::find(round.object, {"status"});
  const json patch_status = before == nullptr                   ? next
                            : json::diff(*before, next).empty() ? json()
                                                                : next;
  if (patch_status.is_null()) return {};
  // With the version: a decision from an object that has changed meanwhile is not written.
  json patch{{"metadata", {{"uid", app.uid}, {"resourceVersion", round.version}}},
             {"status", next}};
  if (before != nullptr && before->is_object()) {
    for (const auto& [name, value] : before->items()) {
      if (!next.contains(name)) patch["status"][name] = nullptr;
      if (!value.is_object() || !next.contains(name)) continue;
      for (const auto& [inner, ignored] : value.items()) {
        if (!next[name].contains(inner)) patch["status"][name][inner] = nullptr;
      }
    }
  }
  const auto written =
      api_.patch(config::spark_applications(), app.key, kube::PatchType::MergePatch, patch,
                 {.subresource = "status", .field_manager = {}, .force = false});
  if (!written) return base::failure(written.error());
  if (round.status.state == app.status.state) return {};
  base::log_info("runner", "SparkApplication changed state",
                 {{"application", app.key.to_string()},
                  {"from", std::string(to_string(app.status.state))},
                  {"to", std::string(to_string(round.status.state))}});
  if (round.status.state == AppState::Failed)
    base::log_warning("runner", "SparkApplication failed",
                      {{"application", app.key.to_string()},
                       {"reason", one_line(round.status.error_message)},
                       {"exit_code", round.status.driver_exit_code
                                         ? std::to_string(*round.status.driver_exit_code)
                                         : std::string("none")}});
  return {};
}

std::string driver_pod_name(const json& application) {
  std::string name = string_at(application, {"spec", "driver", "podName"});
  if (name.empty())
    name = string_at(application, {"spec", "sparkConf", "spark.kubernetes.driver.pod.name"});
  return name.empty() ? submission::name_beside(kube::key_of(application).name, "-driver") : name;
}

}  // namespace runner::applications
