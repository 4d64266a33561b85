#include "runner/applications/reconciler.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/run_record.h"
#include "runner/submission/names.h"
#include "runner/submission/submission.h"

namespace runner::applications {
namespace {

using base::Code;
using base::string_at;
using nlohmann::json;

// Kubernetes refuses with these what no repetition can mend; everything else is tried again without
// counting as an attempt.
bool is_permanent(const base::Error& error) {
  return error.code == Code::InvalidArgument || error.code == Code::Refused ||
         error.code == Code::Forbidden || error.code == Code::TooLarge ||
         error.code == Code::Unimplemented;
}

kube::ResourceType type_of(const json& object) {
  const std::string kind = string_at(object, {"kind"});
  if (kind == "ConfigMap") return kube::config_maps();
  if (kind == "Service") return kube::services();
  if (kind == "Secret") return kube::secrets();
  if (kind == "PersistentVolumeClaim") return kube::persistent_volume_claims();
  return kube::pods();
}

json owner_reference(const Application& app) {
  return kube::controller_reference(config::kApiVersion, config::kApplicationKind, app.key.name,
                                    app.uid);
}

std::vector<std::shared_ptr<const json>> executors_of(const kube::Cache& cache,
                                                      const Application& app) {
  auto pods = cache.labelled(kube::pods(), app.key.ns, config::kAppNameLabel, app.key.name);
  std::erase_if(pods, [](const auto& pod) {
    return string_at(*pod, {"metadata", "labels", config::kSparkRoleLabel}) != "executor";
  });
  return pods;
}

// Executor cores × instances, at most the machine's: one driver does all the work.
int local_threads(const json& object, int machine_cores) {
  const int64_t cores = base::integer_at(object, {"spec", "executor", "cores"}).value_or(1);
  const int64_t instances = base::integer_at(object, {"spec", "executor", "instances"}).value_or(1);
  return static_cast<int>(
      std::clamp<int64_t>(std::max<int64_t>(cores, 1) * std::max<int64_t>(instances, 1), 1,
                          std::max(machine_cores, 1)));
}

bool wants_local_executors(const json& object, const ApplicationOptions& options) {
  if (!options.local_cores) return false;
  const std::string asked =
      string_at(object, {"metadata", "annotations", config::kExecutorsAnnotation});
  if (asked == "pods") return false;
  if (asked == "local") return true;
  return !options.executors_as_pods;
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
      telemetry_(options_.telemetry) {}

base::Result<kube::Reconciled> ApplicationReconciler::reconcile(const kube::ObjectKey& key) {
  // 1. Load. A cache that lags shows an older object; its writes then fail with Conflict and come
  // back.
  const auto object = cache_.get(config::spark_applications(), key);
  if (object == nullptr) {
    telemetry_.gone(key);
    return kube::Reconciled{};
  }
  const Application app = read_application(*object);

  // 2. Observe.
  ASSIGN_OR_RETURN(const ObservedPods observed, observe(app, *object));

  // 3. Decide.
  const ApplicationDecision decision = decide(clock_.now(), app, observed, submission_id_of);

  // 4. Act. A crash between two actions: the next decision sees what exists and goes on from there.
  Outcome outcome{.status = decision.status, .version = kube::resource_version_of(*object)};
  for (const ApplicationAction& action : decision.actions) {
    RETURN_IF_ERROR(perform(action, app, *object, outcome));
  }

  // 5. Record, then tell. A crash after recording repeats it: the ledger knows the run by its UID.
  // Only what is recorded becomes final in the status, and only what is final there is ever
  // deleted.
  if (outcome.status == app.status) {
    // Again, for a ledger that was lost: one that has the run writes nothing.
    if (app.status.state != AppState::New)
      RETURN_IF_ERROR(recorder_.record_run(run_record(*object, app.status)));
    telemetry_.seen(app, *object, cache_);
    return kube::Reconciled{decision.wake_at};
  }
  RETURN_IF_ERROR(recorder_.record_run(run_record(*object, outcome.status)));
  RETURN_IF_ERROR(write(app, *object, outcome));
  telemetry_.written(app, *object, outcome.status, cache_);
  for (const ApplicationEvent& event : events_of(app, outcome.status)) {
    events_.record(*object, event.warning ? kube::EventType::Warning : kube::EventType::Normal,
                   event.reason, "Reconciling", event.note);
  }
  return kube::Reconciled{decision.wake_at};
}

base::Result<std::optional<json>> ApplicationReconciler::read_live(
    const kube::ResourceType& type, const kube::ObjectKey& key) const {
  auto found = api_.get(type, key);
  if (found) return std::optional<json>(std::move(*found));
  if (found.error().code == Code::NotFound) return std::optional<json>();
  return base::failure(found.error());
}

base::Result<ObservedPods> ApplicationReconciler::observe(const Application& app,
                                                          const json& object) const {
  ObservedPods observed;
  const kube::ObjectKey driver_key{app.key.ns, driver_pod_name(object)};
  const auto cached = cache_.get(kube::pods(), driver_key);
  if (cached != nullptr) {
    observed.driver = read_driver(*cached);
  } else if (app.status.state != AppState::New || app.deleting) {
    // That a driver is gone decides a run's outcome: the cache alone is not believed. A new
    // application need not look, since creating the pod itself finds out.
    if (!is_final(app.status.state)) {
      ASSIGN_OR_RETURN(const auto live, read_live(kube::pods(), driver_key));
      if (live) observed.driver = read_driver(*live);
    }
  }
  for (const auto& pod : executors_of(cache_, app)) {
    observed.executors[kube::key_of(*pod).name] = executor_state(*pod);
  }
  return observed;
}

base::Status ApplicationReconciler::perform(const ApplicationAction& action, const Application& app,
                                            const json& object, Outcome& outcome) {
  if (const auto* step = std::get_if<Submit>(&action))
    return submit(app, object, step->attempt, outcome.status);
  if (std::holds_alternative<AddFinalizer>(action))
    return set_finalizer(app, object, kube::Finalizer::Present, outcome.version);
  if (std::holds_alternative<RemoveFinalizer>(action))
    return set_finalizer(app, object, kube::Finalizer::Absent, outcome.version);
  if (std::holds_alternative<CleanUp>(action)) return clean_up(app);
  const bool whole = std::holds_alternative<DeleteApplication>(action);
  const kube::ObjectKey key{app.key.ns, whole ? app.key.name : driver_pod_name(object)};
  kube::DeleteOptions options;
  if (whole) options.uid = app.uid;
  const auto done = api_.remove(whole ? config::spark_applications() : kube::pods(), key, options);
  if (!done && done.error().code != Code::NotFound) return done;
  return {};
}

base::Status ApplicationReconciler::submit(const Application& app, const json& object,
                                           const Attempt& attempt, ApplicationStatus& status) {
  const submission::SubmissionIds ids =
      submission::submission_ids(app.uid, attempt.execution, attempt.submission);
  submission::Context context;
  context.app_id = ids.app_id;
  context.unique_id = ids.unique_id;
  context.submission_id = submission_id_of(app.uid, attempt);
  context.master_url = options_.master_url;
  context.spark_user = options_.spark_user;
  context.submit_time = clock_.now();
  context.default_conf = options_.default_conf;
  if (wants_local_executors(object, options_)) {
    const int threads = local_threads(object, *options_.local_cores);
    context.forced_conf["spark.kubernetes.driver.master"] =
        "local[" + std::to_string(threads) + "]";
    events_.record(object, kube::EventType::Normal, "ExecutorsInDriver", "Submitting",
                   "Executors run as " + std::to_string(threads) +
                       " threads of the driver; annotate the application with " +
                       std::string(config::kExecutorsAnnotation) + "=pods to run them as pods");
  }

  const auto built = submission::build_submission(object, context);
  if (!built) {
    status = after_refused_submission(clock_.now(), app, attempt, built.error().message);
    return {};
  }
  for (const std::string& warning : built->warnings) {
    events_.record(object, kube::EventType::Warning, "SparkApplicationWarning", "Submitting",
                   warning);
  }

  // ConfigMap and Service exist before the pod, so no kubelet ever waits for them. A crash in this
  // loop leaves some of them: their names come from the attempt, so the next try finds them and
  // goes on.
  std::vector<json> objects = built->before_pod;
  objects.push_back(built->driver_pod);
  for (const json& one : objects) {
    const auto created = create_owned(app, attempt, one);
    if (created) continue;
    if (!is_permanent(created.error())) return created;
    status = after_refused_submission(clock_.now(), app, attempt, created.error().message);
    return {};
  }
  status =
      after_submission(clock_.now(), app, attempt,
                       {ids.app_id, context.submission_id, kube::key_of(built->driver_pod).name});
  return {};
}

base::Status ApplicationReconciler::create_owned(const Application& app, const Attempt& attempt,
                                                 json object) {
  object["metadata"]["namespace"] = app.key.ns;
  object["metadata"]["ownerReferences"] = json::array({owner_reference(app)});
  object["metadata"]["labels"][config::kAppNameLabel] = app.key.name;
  object["metadata"]["labels"][config::kSubmissionIdLabel] = submission_id_of(app.uid, attempt);
  const kube::ResourceType type = type_of(object);
  if (type != kube::pods()) object["metadata"]["labels"][config::kCreatedByLabel] = "true";
  const auto created = api_.create(type, object);
  if (created) return {};
  if (created.error().code != Code::AlreadyExists) return base::failure(created.error());

  const kube::ObjectKey key{app.key.ns, kube::key_of(object).name};
  ASSIGN_OR_RETURN(const auto existing, read_live(type, key));
  const std::string what = type.kind + " " + key.to_string();
  if (!existing)
    return base::failure(Code::Unavailable, what + " was there and is gone; trying again");
  if (!kube::is_owned_by(*existing, app.uid)) {
    return base::failure(Code::InvalidArgument,
                         what + " already exists and does not belong to this application");
  }
  // Ours of the same attempt: created before a crash. Ours of an older one: it is on its way out.
  const bool same = string_at(*existing, {"metadata", "labels", config::kSubmissionIdLabel}) ==
                    submission_id_of(app.uid, attempt);
  const bool leaving = kube::is_deleting(*existing);
  if (same && !leaving) return {};
  if (!leaving) {
    const auto removed = api_.remove(type, key, {.uid = kube::uid_of(*existing)});
    if (!removed && removed.error().code != Code::NotFound) return removed;
  }
  return base::failure(Code::Unavailable,
                       what + " of an earlier attempt is still there; trying again");
}

base::Status ApplicationReconciler::clean_up(const Application& app) {
  const std::string selector = std::string(config::kAppNameLabel) + "=" + app.key.name + "," +
                               config::kCreatedByLabel + "=true";
  for (const kube::ResourceType* type : {&kube::services(), &kube::config_maps()}) {
    ASSIGN_OR_RETURN(const kube::ObjectList found,
                     api_.list(*type, {.ns = app.key.ns, .label_selector = selector}));
    for (const json& one : found.items) {
      if (!kube::is_owned_by(one, app.uid)) continue;
      const auto removed = api_.remove(*type, kube::key_of(one), {.uid = kube::uid_of(one)});
      if (!removed && removed.error().code != Code::NotFound) return removed;
    }
  }
  for (const auto& pod : executors_of(cache_, app)) {
    const std::string state = executor_state(*pod);
    if (state == "COMPLETED" || state == "FAILED") continue;
    const auto removed = api_.remove(kube::pods(), kube::key_of(*pod), {.uid = kube::uid_of(*pod)});
    if (!removed && removed.error().code != Code::NotFound &&
        removed.error().code != Code::Conflict) {
      return removed;
    }
  }
  return {};
}

base::Status ApplicationReconciler::set_finalizer(const Application& app, const json& object,
                                                  kube::Finalizer wanted, std::string& version) {
  const json finalizers = kube::finalizers_with(object, config::kRunFinalizer, wanted);
  // With the UID, a namesake that was created meanwhile is left alone; without the resourceVersion
  // a lost finalizer of somebody else's could come back, so it is sent too.
  const json patch{
      {"metadata", {{"uid", app.uid}, {"resourceVersion", version}, {"finalizers", finalizers}}}};
  const auto patched =
      api_.patch(config::spark_applications(), app.key, kube::PatchType::MergePatch, patch);
  if (patched) {
    version = kube::resource_version_of(*patched);
    return {};
  }
  if (patched.error().code == Code::NotFound && wanted == kube::Finalizer::Absent) return {};
  return base::failure(patched.error());
}

base::Status ApplicationReconciler::write(const Application& app, const json& object,
                                          const Outcome& outcome) {
  json next = write_status(outcome.status);
  // A merge patch removes only what is named: fields that are no longer there become null.
  const json* before = base::find(object, {"status"});
  const json patch_status = before == nullptr                   ? next
                            : json::diff(*before, next).empty() ? json()
                                                                : next;
  if (patch_status.is_null()) return {};
  // With the version: a decision from an object that has changed meanwhile is not written.
  json patch{{"metadata", {{"uid", app.uid}, {"resourceVersion", outcome.version}}},
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
  if (outcome.status.state == app.status.state) return {};
  base::log_info("runner", "SparkApplication changed state",
                 {{"application", app.key.to_string()},
                  {"from", std::string(to_string(app.status.state))},
                  {"to", std::string(to_string(outcome.status.state))}});
  return {};
}

std::string driver_pod_name(const json& application) {
  std::string name = string_at(application, {"spec", "driver", "podName"});
  if (name.empty())
    name = string_at(application, {"spec", "sparkConf", "spark.kubernetes.driver.pod.name"});
  return name.empty() ? kube::key_of(application).name + "-driver" : name;
}

std::string submission_id_of(const std::string& uid, const Attempt& attempt) {
  // The digits of the application id, which is "spark-" and the same hash.
  return submission::submission_ids(uid, attempt.execution, attempt.submission).app_id.substr(6);
}

}  // namespace runner::applications
