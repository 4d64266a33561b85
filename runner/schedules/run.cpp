#include "runner/schedules/run.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "base/stable_hash.h"
#include "config/names.h"
#include "kube/api.h"
#include "runner/application.h"
#include "runner/submission/checks.h"
#include "scheduler/run_name.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::seconds;

std::optional<base::WallTime> time_at(const json& object,
                                      std::initializer_list<std::string_view> path) {
  const auto time = base::parse_rfc3339(base::string_at(object, path));
  return time ? std::optional(*time) : std::nullopt;
}

scheduler::RunPhase phase_of(AppState state) {
  if (state == AppState::Completed) return scheduler::RunPhase::Succeeded;
  if (state == AppState::Failed) return scheduler::RunPhase::Failed;
  return scheduler::RunPhase::Unfinished;
}

json labels_of(const json& schedule) {
  json labels = json::object();
  if (const json* parents = base::find(schedule, {"metadata", "labels"});
      parents != nullptr && parents->is_object())
    labels = *parents;
  return labels;
}

json annotations_of(const scheduler::Schedule& compiled, const scheduler::StartRun& start) {
  json annotations{
      {config::kScheduledTimeAnnotation, base::format_rfc3339(start.at)},
      {config::kScheduledTimeLocalAnnotation, scheduler::format_local(start.at, compiled.zone())}};
  if (const auto previous = compiled.prev(start.at))
    annotations[config::kPreviousScheduledTimeAnnotation] = base::format_rfc3339(*previous);
  if (!start.slot) annotations[config::kManualRunAnnotation] = "true";
  return annotations;
}

// The Kubeflow operator's runs have their schedule as an owner that is no controller, and its
// label, which tells them from what people let go with a schedule.
std::optional<kube::OwnerReference> schedule_of(const json& application) {
  auto owner = kube::controller_of(application);
  if (!owner && base::find(application, {"metadata", "labels", config::kScheduledAppNameLabel}))
    owner = kube::owner_of_kind(application, config::kScheduleKind);
  if (owner && owner->kind != config::kScheduleKind) owner.reset();
  return owner;
}

// Where the template names the driver pod; nullptr if it does not, or not with a name that a pod
// could have (which the submission refuses in its own words).
const json* pod_name_in(const json& spec, std::string_view& path) {
  path = "driver.podName";
  const json* name = base::find(spec, {"driver", "podName"});
  if (name == nullptr || !name->is_string() || name->get_ref<const std::string&>().empty()) {
    path = "sparkConf[spark.kubernetes.driver.pod.name]";
    name = base::find(spec, {"sparkConf", "spark.kubernetes.driver.pod.name"});
  }
  if (name == nullptr || !name->is_string()) return nullptr;
  return submission::is_object_name(name->get_ref<const std::string&>()) ? name : nullptr;
}

// "etl-driver" of the run "nightly-20261121t020000z": "etl-driver-<hash>-20261121t020000z", the
// hash of the schedule's and the pod's name, since schedules that were copied give their drivers
// one name.
std::string pod_name_of_run(const std::string& name, const scheduler::StartRun& start) {
  const size_t stamp = start.name.rfind('-');
  const std::string suffix = "-" + base::short_hash(start.name.substr(0, stamp) + "/" + name) +
                             (start.slot ? "" : "-manual") +
                             (stamp == std::string::npos ? "" : start.name.substr(stamp));
  constexpr size_t kMostOfLabel = 63;
  std::string start_of_name = name.substr(0, kMostOfLabel - suffix.size());
  while (start_of_name.ends_with('-') || start_of_name.ends_with('.'))
    start_of_name.pop_back();
  return start_of_name + suffix;
}

void make_pod_name_unique(json& spec, const scheduler::StartRun& start) {
  std::string_view path;
  const json* name = spec.is_object() ? pod_name_in(spec, path) : nullptr;
  if (name == nullptr) return;
  json unique = pod_name_of_run(name->get<std::string>(), start);
  if (path == "driver.podName")
    spec["driver"]["podName"] = std::move(unique);
  else
    spec["sparkConf"]["spark.kubernetes.driver.pod.name"] = std::move(unique);
}

}  // namespace

json build_run(const json& schedule, const scheduler::Schedule& compiled,
               const scheduler::StartRun& start) {
  const json* spec = base::find(schedule, {"spec", "template"});
  json run{{"apiVersion", config::kApiVersion},
           {"kind", config::kApplicationKind},
           {"metadata",
            {{"name", start.name},
             {"namespace", base::string_at(schedule, {"metadata", "namespace"})},
             {"labels", labels_of(schedule)},
             {"annotations", annotations_of(compiled, start)},
             // From the first moment: however soon the run is deleted, its driver is stopped and
             // its outcome recorded before its name is free again.
             {"finalizers", json::array({config::kRunFinalizer})},
             {"ownerReferences", json::array({kube::controller_reference(
                                     config::kApiVersion, config::kScheduleKind,
                                     kube::key_of(schedule).name, kube::uid_of(schedule))})}}},
           {"spec", spec == nullptr ? json::object() : *spec}};
  // Last: a label of the user must not take a run out of its schedule.
  config::set_name_label(run, config::kScheduledAppNameLabel, kube::key_of(schedule).name);
  make_pod_name_unique(run["spec"], start);
  return run;
}

std::string about_pod_name(const json& schedule) {
  std::string_view path;
  const json* spec = base::find(schedule, {"spec", "template"});
  const json* name = spec == nullptr ? nullptr : pod_name_in(*spec, path);
  if (name == nullptr) return {};
  return "spec.template." + std::string(path) +
         ": every run needs a driver pod of its own; the names of theirs begin with " +
         name->get<std::string>() + " and end with the time of the slot";
}

json trial_run(const json& schedule, const scheduler::Spec& spec, base::WallTime now) {
  const auto slot = floor<seconds>(now);
  return build_run(schedule, *spec.schedule,
                   {.name = scheduler::run_name(spec.name, slot), .slot = slot, .at = slot});
}

ScheduleRun read_run(const json& application) {
  const ApplicationStatus status = read_status(application);
  const bool manual = is_by_hand(application);
  ScheduleRun run;
  if (const auto slot =
          time_at(application, {"metadata", "annotations", config::kScheduledTimeAnnotation});
      slot && !manual)
    run.observed.slot = floor<seconds>(*slot);
  run.observed.name = kube::key_of(application).name;
  run.observed.uid = kube::uid_of(application);
  run.observed.manual = !run.observed.slot;
  run.observed.phase = phase_of(status.state);
  run.observed.stopping = kube::is_deleting(application);
  run.observed.created = kube::created_at(application).value_or(base::WallTime{});
  run.state = to_string(status.state);
  run.message = status.error_message;
  run.resource_version = kube::resource_version_of(application);
  run.started = status.driver_started;
  if (is_final(status.state)) run.ended = status.terminated;
  return run;
}

ScheduleRun read_run(const RunRecord& record) {
  ScheduleRun run;
  run.observed.name = record.name;
  run.observed.uid = record.uid;
  if (record.slot && !record.manual) run.observed.slot = floor<seconds>(*record.slot);
  run.observed.manual = record.manual;
  run.observed.phase =
      record.ended ? phase_of(parse_app_state(record.state)) : scheduler::RunPhase::Unfinished;
  // Ended otherwise than by completing or failing: stopped or deleted on the way.
  if (record.ended && run.observed.phase == scheduler::RunPhase::Unfinished)
    run.observed.phase = scheduler::RunPhase::Failed;
  run.observed.gone = true;
  run.observed.created = record.created;
  run.state = record.state;
  run.message = record.message;
  run.started = record.started;
  run.ended = record.ended;
  return run;
}

Ownership ownership(const json& application, const json& schedule) {
  const auto owner = schedule_of(application);
  if (!owner) return Ownership::Other;
  if (owner->uid == kube::uid_of(schedule)) return Ownership::Ours;
  return owner->name == kube::key_of(schedule).name ? Ownership::Namesake : Ownership::Other;
}

bool driver_alive(const json& pod) {
  return !has_ended(read_driver(pod));
}

}  // namespace runner::schedules
