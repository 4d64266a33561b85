#include "runner/node/kubelet.h"

#include <algorithm>

#include "base/files.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "kube/object.h"
#include "runner/node/durations.h"
#include "runner/node/features.h"
#include "runner/node/leftovers.h"
#include "runner/node/pod_status.h"
#include "runner/node/predecessors.h"
#include "runner/node/preparation.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;
using std::chrono::seconds;

// What pods get when the service stops them.
constexpr seconds kStopGrace{10};

base::Status stuck(const PodRun& run) {
  if (run.over() || run.stuck().empty()) return {};
  return failure(Code::Unavailable,
                 "processes of the pod have got SIGKILL and have not ended: " + run.stuck());
}

bool says_already(const Json& pod, const Json& status) {
  const Json* now = base::find(pod, {"status"});
  if (now == nullptr) return false;
  Json merged = *now;
  merged.merge_patch(status);
  return merged == *now;
}

std::string reason_of_trouble(const base::Error& error) {
  if (error.message.starts_with("MountVolume")) return "FailedMount";
  return "FailedSync";
}

}  // namespace

Kubelet::Kubelet(const NodeOptions& options, kube::Api& api, base::Clock& clock,
                 kube::EventRecorder& events, const PodIndex& index, PodLogs& logs, Bell& bell,
                 Trash& trash)
    : options_(options),
      api_(api),
      clock_(clock),
      events_(events),
      index_(index),
      logs_(logs),
      bell_(bell),
      trash_(trash),
      addresses_(options.data_dir.string()) {}

base::Status Kubelet::adopt() {
  ASSIGN_OR_RETURN(FoundPods found, read_records(options_.data_dir / "pods"));
  for (PodRecord& record : found.records) {
    Known& known = admit(std::move(record));
    (void)known.run->refresh(clock_.now());
    logs_.put(known.run->record().key, known.run->log_entry());
    count(known.run->record().uid);
  }
  doubtful_ = std::move(found.doubtful);
  if (!known_.empty() || !doubtful_.empty())
    base::log_info("runner/node", "Found pods of an earlier run",
                   {{"pods", std::to_string(known_.size())},
                    {"unreadable", std::to_string(doubtful_.size())}});
  return {};
}

Kubelet::Known& Kubelet::admit(PodRecord record) {
  const std::string uid = record.uid;
  if (!record.address.empty()) addresses_.take(record.address);
  const PodFiles files{.folder = options_.data_dir / "pods" / uid};
  Known& known = known_[uid];
  known.run = std::make_unique<PodRun>(std::move(record), files);
  return known;
}

std::vector<std::string> Kubelet::uids() const {
  std::vector<std::string> uids;
  for (const auto& [uid, known] : known_)
    uids.push_back(uid);
  for (const auto& [uid, why] : doubtful_)
    uids.push_back(uid);
  return uids;
}

void Kubelet::begin_stop() {
  stopping_ = true;
  for (const std::string& uid : living_) {
    const auto asked = base::guarded("stop pod " + uid, [&] { return ask_to_stop(uid); });
    if (!asked)
      base::log_warning("runner/node", "A pod could not be asked to stop, that is tried again",
                        {{"error", asked.error().message}});
  }
}

base::Status Kubelet::ask_to_stop(const std::string& uid) {
  PodRun& run = *known_.at(uid).run;
  return run.launched() ? run.stop(kStopGrace) : base::Status();
}

bool Kubelet::all_over() {
  return std::all_of(living_.begin(), living_.end(), [this](const std::string& uid) {
    const auto over = base::guarded("look at a pod that ends", [&] {
      PodRun& run = *known_.at(uid).run;
      return !run.launched() || (run.refresh(clock_.now()) && run.over());
    });
    return over.value_or(false);
  });
}

std::vector<Resources> Kubelet::used() const {
  std::vector<Resources> used;
  for (const std::string& uid : living_)
    used.push_back(requests_of(known_.at(uid).run->record().pod).value_or(Resources{}));
  return used;
}

std::set<kube::ObjectKey> Kubelet::used_claims() const {
  std::set<kube::ObjectKey> used;
  for (const std::string& uid : living_) {
    const PodRecord& record = known_.at(uid).run->record();
    const Json* volumes = base::find(record.pod, {"spec", "volumes"});
    if (volumes == nullptr || !volumes->is_array()) continue;
    for (const Json& volume : *volumes)
      used.insert({record.key.ns, base::string_at(volume, {"persistentVolumeClaim", "claimName"})});
  }
  return used;
}

void Kubelet::count(const std::string& uid) {
  const auto found = known_.find(uid);
  const bool lives = found != known_.end() && !found->second.run->over() && !found->second.failed;
  if (lives) {
    living_.insert(uid);
  } else {
    living_.erase(uid);
  }
}

base::Status Kubelet::sync(const std::string& uid) {
  const auto done = base::guarded("look after pod " + uid, [&] { return step(uid); });
  count(uid);
  if (done) {
    troubles_.erase(uid);
  } else {
    tell_trouble(uid, done.error());
  }
  return done;
}

void Kubelet::tell_trouble(const std::string& uid, const base::Error& error) {
  std::string& told = troubles_[uid];
  if (told == error.message) return;
  told = error.message;
  const auto object = index_.find(uid);
  base::log_warning(
      "runner/node", "A pod has to wait",
      {{"pod", object != nullptr ? kube::key_of(*object).to_string() : "with UID " + uid},
       {"error", error.message}});
  if (object != nullptr)
    events_.record(*object, kube::EventType::Warning, reason_of_trouble(error), "Starting",
                   error.message);
}

base::Status Kubelet::step(const std::string& uid) {
  const auto object = index_.find(uid);
  if (doubtful_.contains(uid)) RETURN_IF_ERROR(recover(uid, object));
  if (object == nullptr) return step_gone(uid);
  const Json& pod = *object;
  const auto known = known_.find(uid);
  if (known != known_.end()) return advance(known->second, pod);
  if (node_of(pod) != options_.name || !index_.serves(pod)) return {};
  if (kube::is_deleting(pod)) return finish_deletion(pod);
  if (is_final(phase_of(pod)) || stopping_) return {};
  return take_over(uid, pod);
}

// The informer has it no more, but that alone ends no driver: the API itself is asked.
base::Status Kubelet::step_gone(const std::string& uid) {
  const auto found = known_.find(uid);
  if (found == known_.end()) return {};
  PodRun& run = *found->second.run;
  ASSIGN_OR_RETURN(const PodIndex::Object object, ask_api(run.record()));
  if (object != nullptr) return advance(found->second, *object);
  RETURN_IF_ERROR(run.refresh(clock_.now()));
  if (!run.launched() || run.over()) {
    RETURN_IF_ERROR(run.sweep_if_in_doubt());
    return forget(uid);
  }
  if (run.needs_supervisor()) RETURN_IF_ERROR(run.start_supervisor(options_.supervisor));
  watch_supervisor(found->second);
  // Removed by force: whoever did that has no time to wait, and its successor may wait for us.
  RETURN_IF_ERROR(run.stop(seconds(0)));
  return stuck(run);
}

base::Result<PodIndex::Object> Kubelet::ask_api(const PodRecord& record) {
  // A record that could not be read names nobody to ask for.
  if (record.key.name.empty()) return PodIndex::Object();
  auto object = api_.get(kube::pods(), record.key);
  if (!object && object.error().code == Code::NotFound) return PodIndex::Object();
  if (!object) return failure(object.error().with_context("ask for pod " + record.key.to_string()));
  if (kube::uid_of(*object) != record.uid) return PodIndex::Object();
  return std::make_shared<const Json>(std::move(*object));
}

// A folder whose record cannot be read belongs to a pod that may be running. What the record said
// is in the pod's object; when that is gone too, the folder alone is enough to end what runs.
base::Status Kubelet::recover(const std::string& uid, const PodIndex::Object& object) {
  const PodFiles files{.folder = options_.data_dir / "pods" / uid};
  auto record = read_record(files);
  if (!record) {
    doubtful_[uid] = record.error().message;
    record = PodRecord{.uid = uid};
    record->in_doubt = true;
    if (object != nullptr) {
      record->key = kube::key_of(*object);
      record->address = base::string_at(*object, {"status", "podIP"});
      record->start_time = base::parse_rfc3339(base::string_at(*object, {"status", "startTime"}))
                               .value_or(clock_.now());
      record->pod = *object;
      events_.record(*object, kube::EventType::Warning, "PodRecordUnreadable", "Recovering",
                     "The node's record of the pod was made anew: " + doubtful_[uid]);
    }
    if (record->address.empty()) record->address = addresses_.allocate().value_or("");
    base::log_warning("runner/node", "A pod's record cannot be read, its folder is kept",
                      {{"folder", files.folder.string()}, {"error", doubtful_[uid]}});
    // Best effort: if it is not taken now, the next service comes by here again.
    if (object != nullptr) (void)write_record(files, *record);
  }
  doubtful_.erase(uid);
  (void)admit(std::move(*record));
  return {};
}

base::Status Kubelet::take_over(const std::string& uid, const Json& pod) {
  auto supported = check_supported(pod);
  if (const auto requests = requests_of(pod); supported && !requests)
    supported = failure(requests.error());
  if (!supported) return refuse(pod, "UnsupportedFeature", supported.error().message);
  // A status without our folder: somebody removed the node's data while the pod ran. What it left
  // must not run beside what comes after it.
  if (phase_of(pod) == "Running") {
    ASSIGN_OR_RETURN(const auto left, kill_processes({.marker = uid + "/"}));
    if (!left.empty())
      return failure(Code::Unavailable,
                     "the node's folder of the pod is gone, what runs of it is being ended: " +
                         name_processes(left));
    return refuse(pod, "NodeLost", "the node's folder of the pod is gone");
  }
  const auto address = addresses_.allocate();
  if (!address) return report_waiting(pod, {Code::Unavailable, "no address is free"});
  const PodRecord record{.key = kube::key_of(pod),
                         .uid = uid,
                         .address = *address,
                         .start_time = std::chrono::floor<seconds>(clock_.now()),
                         .pod = pod};
  if (const auto begun = begin_folder(record); !begun) {
    addresses_.release(*address);
    return report_waiting(pod, begun.error());
  }
  // A crash here: the next service finds the record and goes on below.
  tell_ignored(pod);
  Known& known = admit(record);
  logs_.put(kube::key_of(pod), known.run->log_entry());
  return advance(known, pod);
}

base::Status Kubelet::begin_folder(const PodRecord& record) {
  const PodFiles files{.folder = options_.data_dir / "pods" / record.uid};
  RETURN_IF_ERROR(base::make_folders(files.folder));
  return write_record(files, record);
}

// It will never run here.
base::Status Kubelet::refuse(const Json& pod, const std::string& reason,
                             const std::string& message) {
  events_.record(pod, kube::EventType::Warning, reason, "Starting", message);
  return write_status(pod, make_failed_status(reason, message, clock_.now()));
}

void Kubelet::tell_ignored(const Json& pod) {
  const std::vector<std::string> ignored = ignored_features(pod);
  if (ignored.empty()) return;
  std::string list;
  for (const std::string& what : ignored)
    list += (list.empty() ? "" : ", ") + what;
  events_.record(pod, kube::EventType::Normal, "RunsAsProcess", "Starting",
                 "Runs as a process of this machine with its own Spark; not used: " + list);
}

// One step further, from wherever this pod is.
base::Status Kubelet::advance(Known& known, const Json& pod) {
  PodRun& run = *known.run;
  RETURN_IF_ERROR(run.refresh(clock_.now()));
  if (!run.launched()) {
    // Nothing runs: nothing to wait for.
    if (kube::is_deleting(pod)) return finish_deletion(pod);
    known.failed = known.failed || is_final(phase_of(pod));
    if (known.failed || stopping_) return {};
    const auto launched = prepare_and_launch(known, pod);
    if (!known.failed) RETURN_IF_ERROR(report(known, pod));
    RETURN_IF_ERROR(launched);
    if (known.failed) return {};
  }
  if (run.needs_supervisor() && !stopping_)
    RETURN_IF_ERROR(run.start_supervisor(options_.supervisor));
  watch_supervisor(known);
  // Asked already, unless the disk refused the wish.
  if (stopping_) RETURN_IF_ERROR(run.stop(kStopGrace));
  // Told at the end: who must stop, or has ended, needs no token.
  const auto renewed =
      run.over() ? base::Status() : renew_token(run.record(), run.files(), options_);
  if (kube::is_deleting(pod) && !run.over())
    RETURN_IF_ERROR(
        run.stop(seconds_at(pod, {"metadata", "deletionGracePeriodSeconds"}, seconds(30))));
  RETURN_IF_ERROR(report(known, pod));
  // The object goes only now, when no process of the pod lives.
  if (kube::is_deleting(pod) && run.over()) return finish_deletion(pod);
  RETURN_IF_ERROR(renewed);
  return stuck(run);
}

// A pod that was removed while it ran is being ended. Until then nobody takes its place.
base::Status Kubelet::await_predecessors(const PodRun& run) const {
  const PodRecord& record = run.record();
  for (const std::string& uid : living_) {
    const PodRun& other = *known_.at(uid).run;
    // While there is an object, the API's own rules hold.
    if (uid == record.uid || !other.launched() || index_.find(uid) != nullptr) continue;
    const Succession rule = succession(other.record().pod, record.pod);
    if (rule == Succession::None) continue;
    if (rule == Succession::BySchedule) {
      ASSIGN_OR_RETURN(const bool overlap, may_overlap(record));
      if (overlap) continue;
    }
    return failure(Code::Unavailable, "waits for pod " + other.record().key.to_string() + " (UID " +
                                          uid +
                                          "), which was removed while it ran: what is left of it "
                                          "is being ended");
  }
  return {};
}

base::Result<bool> Kubelet::may_overlap(const PodRecord& record) const {
  const auto schedule =
      api_.get(config::scheduled_spark_applications(), {record.key.ns, schedule_of(record.pod)});
  if (schedule) return config::runs_may_overlap(*schedule);
  // Without the schedule, or without the right to read it, nobody has allowed it.
  if (schedule.error().code == Code::NotFound || schedule.error().code == Code::Forbidden)
    return false;
  return failure(schedule.error().with_context("read the schedule's concurrencyPolicy"));
}

base::Status Kubelet::prepare_and_launch(Known& known, const Json& pod) {
  PodRun& run = *known.run;
  if (auto free = await_predecessors(run); !free) {
    run.set_waiting("ContainerCreating", free.error().message);
    return free;
  }
  const auto launch = base::guarded(
      "prepare the pod", [&] { return prepare(run.record(), run.files(), options_, api_); });
  if (launch) return run.launch(*launch, options_.supervisor);
  const base::Error& error = launch.error();
  // What the pod asks for can never be, or asking for it makes us throw.
  if (error.code == Code::InvalidArgument || error.code == Code::Internal) {
    RETURN_IF_ERROR(refuse(pod, "CreateContainerConfigError", error.message));
    known.failed = true;
    return {};
  }
  run.set_waiting("ContainerCreating", error.message);
  return failure(error);
}

void Kubelet::watch_supervisor(Known& known) {
  if (known.run->over()) return;
  const auto supervisor = known.run->supervisor() ? known.run->supervisor() : known.run->started();
  if (!supervisor || known.watched == supervisor) return;
  known.watched = supervisor;
  bell_.watch(known.run->record().uid, *supervisor);
}

base::Status Kubelet::report(Known& known, const Json& pod) {
  const PodRun& run = *known.run;
  logs_.put(run.record().key, run.log_entry());
  if (run.over() && known.reported.is_object() &&
      is_final(base::string_at(known.reported, {"phase"})))
    return {};
  Json status = run.status();
  if (status == known.reported) return {};
  // After a restart most of them say it already.
  if (!says_already(pod, status)) RETURN_IF_ERROR(write_status(pod, status));
  const std::string phase = base::string_at(status, {"phase"});
  if (is_final(phase))
    base::log_info("runner/node", "A pod ended",
                   {{"pod", run.record().key.to_string()}, {"phase", phase}});
  known.reported = std::move(status);
  return {};
}

// Of a pod that has no folder yet. Written once per message.
base::Status Kubelet::report_waiting(const Json& pod, const base::Error& error) {
  const auto found = troubles_.find(kube::uid_of(pod));
  if (found == troubles_.end() || found->second != error.message) {
    const Json status = make_status(pod, {.start_time = std::chrono::floor<seconds>(clock_.now()),
                                          .waiting_reason = "ContainerCreating",
                                          .waiting_message = error.message});
    RETURN_IF_ERROR(write_status(pod, {{"phase", status["phase"]},
                                       {"conditions", status["conditions"]},
                                       {"containerStatuses", status["containerStatuses"]}}));
  }
  return failure(error);
}

base::Status Kubelet::write_status(const Json& pod, const Json& status) {
  // The UID in the patch keeps it from a namesake: changing a UID is refused.
  const Json patch = {{"metadata", {{"uid", kube::uid_of(pod)}}}, {"status", status}};
  const auto written = api_.patch(kube::pods(), kube::key_of(pod), kube::PatchType::MergePatch,
                                  patch, {.subresource = "status"});
  if (written) return {};
  // Gone or replaced: the informer will say so.
  if (written.error().code == Code::NotFound || written.error().code == Code::Conflict) return {};
  return failure(
      written.error().with_context("write status of pod " + kube::key_of(pod).to_string()));
}

base::Status Kubelet::finish_deletion(const Json& pod) {
  const auto removed = api_.remove(kube::pods(), kube::key_of(pod),
                                   {.uid = kube::uid_of(pod), .grace_period = seconds(0)});
  // A pod that ended before it was deleted may have vanished at once.
  if (removed || removed.error().code == Code::NotFound || removed.error().code == Code::Conflict)
    return {};
  return removed;
}

base::Status Kubelet::forget(const std::string& uid) {
  const auto found = known_.find(uid);
  Known& known = found->second;
  const PodRecord& record = known.run->record();
  if (options_.on_log_removal && !known.log_told) {
    const PodLogs::Entry entry = known.run->log_entry();
    for (const auto& [container, finished] : entry.finished)
      if (const auto log = PodLogs::log_of(entry, container))
        options_.on_log_removal(record.pod, container, *log);
    known.log_told = true;
  }
  logs_.remove(record.key, uid);
  RETURN_IF_ERROR(trash_.put(known.run->files().folder));
  addresses_.release(record.address);
  known_.erase(found);
  return {};
}

}  // namespace runner::node
