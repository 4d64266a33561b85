#include "runner/node/node.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/rfc3339.h"
#include "kube/informer.h"
#include "runner/node/addresses.h"
#include "runner/node/bell.h"
#include "runner/node/features.h"
#include "runner/node/files.h"
#include "runner/node/node_object.h"
#include "runner/node/pod_run.h"
#include "runner/node/preparation.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kFirstRetry{250};
constexpr milliseconds kLongestRetry{10'000};
// What a pod that was removed by force still gets.
constexpr std::chrono::seconds kForcedGrace{2};

// pods/binding is a subresource that is created: its path is that of a collection below the pod.
kube::ResourceType binding_of(const std::string& pod) {
  return {"", "v1", "pods/" + pod + "/binding", "Binding", true};
}

std::string node_of(const Json& pod) {
  return base::string_at(pod, {"spec", "nodeName"});
}

class RunningNode final : public Node {
 public:
  RunningNode(NodeOptions options, FileDescriptor lock, kube::Api& api, base::Clock& clock,
              kube::EventRecorder& events)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        api_(api),
        clock_(clock),
        events_(events),
        addresses_(options_.data_dir.string()),
        pods_(api, clock, kube::pods()) {}
  ~RunningNode() override { stop(); }

  base::Status begin();
  void stop() override;
  const PodLogs& logs() const override { return logs_; }

 private:
  struct Retry {
    base::SteadyTime at;
    milliseconds delay{0};
  };
  struct Known {
    std::unique_ptr<PodRun> run;
    Json reported;  // the status written last; null when none was
    bool watched = false;
  };

  void adopt();
  void loop();
  [[nodiscard]] base::SteadyTime next_wake() const;
  void ring(const std::string& uid);
  void ring_all();
  void look();
  void heartbeat();

  void sync(const std::string& uid);
  base::Status sync_pod(const std::string& uid);
  base::Status sync_gone(const std::string& uid);
  base::Status take_over(const std::string& uid, const Json& pod);
  base::Status advance(Known& known, const Json& pod);
  base::Status prepare_and_launch(Known& known);
  void watch_supervisor(Known& known);
  base::Status report(Known& known, const Json& pod);
  base::Status write_status(const Json& pod, const Json& status);
  base::Status finish_deletion(const Json& pod);
  void forget(const std::string& uid);
  void tell_ignored(const Json& pod);

  void place_pods();
  [[nodiscard]] std::vector<Resources> used() const;
  void bind(const Json& pod);
  void report_unschedulable(const Json& pod, const std::string& message);
  [[nodiscard]] bool is_ours(const Json& pod) const;
  [[nodiscard]] bool all_over() const;

  const NodeOptions options_;
  const FileDescriptor lock_;
  kube::Api& api_;
  base::Clock& clock_;
  kube::EventRecorder& events_;
  PodLogs logs_;

  // Of the loop's thread alone.
  Addresses addresses_;
  std::map<std::string, Known> known_;
  std::map<std::string, Retry> retries_;
  std::set<std::string> assumed_;                               // bound by us, not yet seen to be
  std::map<std::string, std::shared_ptr<const Json>> objects_;  // by UID
  bool registered_ = false;
  base::SteadyTime next_heartbeat_{};

  base::Mutex mutex_;
  base::CondVar woken_;
  std::set<std::string> rung_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool leave_ GUARDED_BY(mutex_) = false;

  kube::Informer pods_;
  std::unique_ptr<Bell> bell_;
  std::thread thread_;
};

base::Status RunningNode::begin() {
  for (const char* folder : {"pods", "claims"})
    RETURN_IF_ERROR(make_folders(options_.data_dir / folder));
  ASSIGN_OR_RETURN(bell_, Bell::create(options_.data_dir / "bell",
                                       [this](const std::string& uid) { ring(uid); }));
  adopt();
  pods_.add_handler([this](const kube::StoreDelta& delta) {
    const auto& object = delta.after != nullptr ? delta.after : delta.before;
    ring(kube::uid_of(*object));
    // A namesake may have replaced it between two looks.
    if (delta.before != nullptr) ring(kube::uid_of(*delta.before));
  });
  pods_.start();
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "node");
  return {};
}

void RunningNode::adopt() {
  for (PodRecord& record : read_records(options_.data_dir / "pods")) {
    const std::string uid = record.uid;
    addresses_.take(record.address);
    const PodFiles files{.folder = options_.data_dir / "pods" / uid};
    Known known{.run = std::make_unique<PodRun>(std::move(record), files), .reported = nullptr};
    (void)known.run->refresh(clock_.now());
    logs_.put(known.run->record().key, known.run->log_entry());
    known_.emplace(uid, std::move(known));
  }
  if (!known_.empty())
    base::log_info("runner/node", "Found pods of an earlier run",
                   {{"pods", std::to_string(known_.size())}});
}

void RunningNode::stop() {
  {
    base::MutexLock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    leave_ = options_.on_exit == OnExit::Leave;
    woken_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  pods_.stop();
  bell_.reset();
}

void RunningNode::ring(const std::string& uid) {
  base::MutexLock lock(mutex_);
  rung_.insert(uid);
  woken_.notify_all();
}

base::SteadyTime RunningNode::next_wake() const {
  base::SteadyTime wake = next_heartbeat_;
  for (const auto& [uid, retry] : retries_)
    wake = std::min(wake, retry.at);
  return wake;
}

void RunningNode::loop() {
  bool stop_asked = false;
  while (true) {
    std::set<std::string> rung;
    bool stopping = false;
    {
      base::MutexLock lock(mutex_);
      const base::SteadyTime wake = next_wake();
      while (rung_.empty() && !(stopping_ && !stop_asked) && clock_.steady_now() < wake)
        clock_.wait_until(lock, woken_, wake);
      if (leave_) return;
      rung.swap(rung_);
      stopping = stopping_;
    }
    if (stopping && !stop_asked) {
      stop_asked = true;
      for (const auto& [uid, known] : known_)
        rung.insert(uid);
    }
    look();
    const base::SteadyTime now = clock_.steady_now();
    for (const auto& [uid, retry] : retries_)
      if (retry.at <= now) rung.insert(uid);
    for (const std::string& uid : rung) {
      if (stop_asked && known_.contains(uid) && known_[uid].run->launched())
        (void)known_[uid].run->stop(kForcedGrace + std::chrono::seconds(8));
      sync(uid);
    }
    if (stop_asked && all_over()) return;
    if (!stop_asked) place_pods();
    if (clock_.steady_now() >= next_heartbeat_) heartbeat();
  }
}

bool RunningNode::all_over() const {
  return std::all_of(known_.begin(), known_.end(), [](const auto& entry) {
    return !entry.second.run->launched() || entry.second.run->over();
  });
}

// What the informer knows, by UID: names may be used again, UIDs are not.
void RunningNode::look() {
  objects_.clear();
  for (auto& object : pods_.store().list(""))
    objects_[kube::uid_of(*object)] = object;
}

void RunningNode::heartbeat() {
  const auto status = registered_
                          ? send_heartbeat(api_, options_.name, options_.capacity, clock_.now())
                          : register_node(api_, options_.name, options_.capacity, clock_.now());
  if (status) {
    registered_ = true;
    next_heartbeat_ = clock_.steady_now() + options_.heartbeat;
    return;
  }
  base::log_warning("runner/node", "The node could not be reported",
                    {{"error", status.error().message}});
  next_heartbeat_ = clock_.steady_now() + std::chrono::seconds(2);
}

bool RunningNode::is_ours(const Json& pod) const {
  return node_of(pod) == options_.name || assumed_.contains(kube::uid_of(pod));
}

void RunningNode::sync(const std::string& uid) {
  const auto status = sync_pod(uid);
  if (status) {
    retries_.erase(uid);
    return;
  }
  Retry& retry = retries_[uid];
  retry.delay = std::clamp(retry.delay * 2, kFirstRetry, kLongestRetry);
  retry.at = clock_.steady_now() + std::max(retry.delay, status.error().retry_after);
  base::log_debug("runner/node", "Will look at a pod again",
                  {{"uid", uid}, {"error", status.error().message}});
}

base::Status RunningNode::sync_pod(const std::string& uid) {
  const auto object = objects_.find(uid);
  if (object == objects_.end()) return sync_gone(uid);
  const Json& pod = *object->second;
  if (!is_ours(pod)) return {};
  if (!node_of(pod).empty()) assumed_.erase(uid);
  const auto known = known_.find(uid);
  if (known != known_.end()) return advance(known->second, pod);
  if (kube::is_deleting(pod)) return finish_deletion(pod);
  if (is_final(phase_of(pod))) return {};
  return take_over(uid, pod);
}

base::Status RunningNode::sync_gone(const std::string& uid) {
  // Before the first whole list nothing is known to be gone.
  if (!pods_.has_synced()) return {};
  assumed_.erase(uid);
  const auto found = known_.find(uid);
  if (found == known_.end()) return {};
  PodRun& run = *found->second.run;
  RETURN_IF_ERROR(run.refresh(clock_.now()));
  if (!run.launched() || run.over()) {
    forget(uid);
    return {};
  }
  if (run.needs_supervisor()) RETURN_IF_ERROR(run.start_supervisor(options_.supervisor));
  watch_supervisor(found->second);
  return run.stop(kForcedGrace);
}

base::Status RunningNode::take_over(const std::string& uid, const Json& pod) {
  auto supported = check_supported(pod);
  if (const auto requests = requests_of(pod); supported && !requests)
    supported = failure(requests.error());
  if (!supported) {
    events_.record(pod, kube::EventType::Warning, "UnsupportedFeature", "Starting",
                   supported.error().message);
    return write_status(
        pod, make_failed_status("UnsupportedFeature", supported.error().message, clock_.now()));
  }
  // A status without our folder: somebody removed the node's data while the pod ran.
  if (phase_of(pod) == "Running")
    return write_status(
        pod, make_failed_status("NodeLost", "the node's folder of the pod is gone", clock_.now()));
  const auto address = addresses_.allocate();
  if (!address) return failure(Code::Unavailable, "no address is free");
  PodRecord record{.key = kube::key_of(pod),
                   .uid = uid,
                   .address = *address,
                   .start_time = std::chrono::floor<std::chrono::seconds>(clock_.now()),
                   .pod = pod};
  const PodFiles files{.folder = options_.data_dir / "pods" / uid};
  auto written = make_folders(files.folder);
  if (written) written = write_record(files, record);
  if (!written) {
    addresses_.release(*address);
    return written;
  }
  // A crash here: the next service finds the record and goes on below.
  tell_ignored(pod);
  Known known{.run = std::make_unique<PodRun>(std::move(record), files), .reported = nullptr};
  logs_.put(kube::key_of(pod), known.run->log_entry());
  return advance(known_.emplace(uid, std::move(known)).first->second, pod);
}

void RunningNode::tell_ignored(const Json& pod) {
  const std::vector<std::string> ignored = ignored_features(pod);
  if (ignored.empty()) return;
  std::string list;
  for (const std::string& what : ignored)
    list += (list.empty() ? "" : ", ") + what;
  events_.record(pod, kube::EventType::Normal, "RunsAsProcess", "Starting",
                 "Runs as a process of this machine with its own Spark; not used: " + list);
}

// One step further, from wherever this pod is.
base::Status RunningNode::advance(Known& known, const Json& pod) {
  PodRun& run = *known.run;
  RETURN_IF_ERROR(run.refresh(clock_.now()));
  if (!run.launched()) {
    // Nothing runs: nothing to wait for.
    if (kube::is_deleting(pod)) return finish_deletion(pod);
    if (is_final(phase_of(pod))) return {};
    const auto launched = prepare_and_launch(known);
    RETURN_IF_ERROR(report(known, pod));
    RETURN_IF_ERROR(launched);
  }
  if (run.needs_supervisor()) RETURN_IF_ERROR(run.start_supervisor(options_.supervisor));
  watch_supervisor(known);
  if (kube::is_deleting(pod) && !run.over()) {
    const auto grace =
        base::integer_at(pod, {"metadata", "deletionGracePeriodSeconds"}).value_or(30);
    RETURN_IF_ERROR(run.stop(std::chrono::seconds(grace)));
  }
  RETURN_IF_ERROR(report(known, pod));
  // The object goes only now, when no process of the pod lives.
  if (kube::is_deleting(pod) && run.over()) return finish_deletion(pod);
  return {};
}

base::Status RunningNode::prepare_and_launch(Known& known) {
  PodRun& run = *known.run;
  const auto launch = prepare(run.record(), run.files(), options_, api_);
  if (launch) return run.launch(*launch, options_.supervisor);
  const base::Error& error = launch.error();
  const bool never = error.code == Code::InvalidArgument;
  run.set_waiting(never ? "CreateContainerConfigError" : "ContainerCreating", error.message);
  events_.record(run.record().pod, kube::EventType::Warning,
                 error.message.starts_with("MountVolume") ? "FailedMount" : "Failed", "Starting",
                 error.message);
  return failure(error);
}

void RunningNode::watch_supervisor(Known& known) {
  if (known.watched || known.run->over()) return;
  const auto supervisor = known.run->supervisor() ? known.run->supervisor() : known.run->started();
  if (!supervisor) return;
  known.watched = true;
  bell_->watch(known.run->record().uid, *supervisor);
}

base::Status RunningNode::report(Known& known, const Json& pod) {
  const PodRun& run = *known.run;
  logs_.put(run.record().key, run.log_entry());
  Json status = run.status();
  if (status == known.reported) return {};
  RETURN_IF_ERROR(write_status(pod, status));
  const std::string phase = status.value("phase", "");
  const bool was_final = known.reported.is_object() && is_final(known.reported.value("phase", ""));
  if (is_final(phase) && !was_final)
    base::log_info("runner/node", "A pod ended",
                   {{"pod", run.record().key.to_string()}, {"phase", phase}});
  known.reported = std::move(status);
  return {};
}

base::Status RunningNode::write_status(const Json& pod, const Json& status) {
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

base::Status RunningNode::finish_deletion(const Json& pod) {
  const auto removed =
      api_.remove(kube::pods(), kube::key_of(pod),
                  {.uid = kube::uid_of(pod), .grace_period = std::chrono::seconds(0)});
  // A pod that ended before it was deleted may have vanished at once.
  if (removed || removed.error().code == Code::NotFound || removed.error().code == Code::Conflict)
    return {};
  return removed;
}

void RunningNode::forget(const std::string& uid) {
  const auto found = known_.find(uid);
  PodRun& run = *found->second.run;
  const PodRecord& record = run.record();
  if (options_.on_log_removal) {
    const PodLogs::Entry entry = run.log_entry();
    for (const auto& [container, finished] : entry.finished)
      if (const auto log = logs_.find(record.key.ns, record.key.name, container))
        options_.on_log_removal(record.pod, container, *log);
  }
  logs_.remove(record.key, uid);
  if (const auto removed = run.remove_folder(); !removed)
    base::log_warning("runner/node", "A pod's folder was not removed",
                      {{"error", removed.error().message}});
  addresses_.release(record.address);
  known_.erase(found);
}

std::vector<Resources> RunningNode::used() const {
  std::vector<Resources> used;
  // What runs here counts even when its object is gone.
  for (const auto& [uid, known] : known_)
    if (!known.run->over())
      used.push_back(requests_of(known.run->record().pod).value_or(Resources{}));
  for (const auto& [uid, pod] : objects_)
    if (!known_.contains(uid) && is_ours(*pod) && !is_final(phase_of(*pod)))
      used.push_back(requests_of(*pod).value_or(Resources{}));
  return used;
}

void RunningNode::place_pods() {
  std::vector<WaitingPod> waiting;
  for (const auto& [uid, pod] : objects_) {
    if (!node_of(*pod).empty() || assumed_.contains(uid) || kube::is_deleting(*pod) ||
        is_final(phase_of(*pod)))
      continue;
    const std::string unmatched = unmatched_selector(*pod, node_labels(options_.name));
    if (!unmatched.empty()) {
      report_unschedulable(*pod, unmatched);
      continue;
    }
    WaitingPod one{.uid = uid,
                   .name = kube::key_of(*pod).to_string(),
                   // A quantity that cannot be read is refused when the pod is taken over.
                   .requests = requests_of(*pod).value_or(Resources{}),
                   .created = kube::created_at(*pod).value_or(base::WallTime{})};
    for (const kube::OwnerReference& owner : kube::owners_of(*pod))
      one.owner_runs = one.owner_runs || known_.contains(owner.uid);
    waiting.push_back(std::move(one));
  }
  if (waiting.empty()) return;
  const Placement placement = place(options_.capacity, used(), std::move(waiting), clock_.now());
  for (const std::string& uid : placement.start)
    bind(*objects_[uid]);
  for (const Placement::Refused& refused : placement.waiting)
    report_unschedulable(*objects_[refused.uid], refused.message);
}

void RunningNode::bind(const Json& pod) {
  const std::string uid = kube::uid_of(pod);
  const kube::ObjectKey key = kube::key_of(pod);
  const auto bound =
      api_.create(binding_of(key.name),
                  {{"apiVersion", "v1"},
                   {"kind", "Binding"},
                   {"metadata", {{"name", key.name}, {"namespace", key.ns}, {"uid", uid}}},
                   {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", options_.name}}}});
  if (bound) {
    assumed_.insert(uid);
    sync(uid);
    return;
  }
  // Gone, or bound by somebody else: the informer will say so. Anything else is tried again.
  if (bound.error().code == Code::NotFound || bound.error().code == Code::Conflict) return;
  base::log_warning("runner/node", "A pod could not be bound",
                    {{"pod", key.to_string()}, {"error", bound.error().message}});
  retries_[uid] = {.at = clock_.steady_now() + std::chrono::seconds(1), .delay = kFirstRetry};
}

void RunningNode::report_unschedulable(const Json& pod, const std::string& message) {
  const Json* conditions = base::find(pod, {"status", "conditions"});
  if (conditions != nullptr && conditions->is_array())
    for (const Json& condition : *conditions)
      if (base::string_at(condition, {"type"}) == "PodScheduled" &&
          base::string_at(condition, {"message"}) == message)
        return;
  events_.record(pod, kube::EventType::Warning, "FailedScheduling", "Scheduling", message);
  // Best effort: it is tried again with the next change.
  (void)write_status(pod, make_unschedulable_status(pod, message, clock_.now()));
}

base::Status check_owner(const fs::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0)
    return failure(system_error("look at " + folder.string(), errno));
  if (info.st_uid != ::geteuid())
    return failure(Code::Forbidden, "the folder " + folder.string() +
                                        " belongs to another user (uid " +
                                        std::to_string(info.st_uid) + ")");
  return {};
}

}  // namespace

base::Result<std::unique_ptr<Node>> Node::start(NodeOptions options, kube::Api& api,
                                                base::Clock& clock, kube::EventRecorder& events) {
  if (options.name.empty() || options.supervisor.empty() || !options.data_dir.is_absolute())
    return failure(Code::InvalidArgument,
                   "a node needs a name, a supervisor and an absolute folder");
  RETURN_IF_ERROR(make_folders(options.data_dir));
  RETURN_IF_ERROR(check_owner(options.data_dir));
  auto lock = lock_file(options.data_dir / "node.lock");
  if (!lock && lock.error().code == Code::Conflict)
    return failure(Code::Conflict,
                   "the folder " + options.data_dir.string() + " is in use by another node");
  if (!lock) return failure(lock.error());
  auto node =
      std::make_unique<RunningNode>(std::move(options), std::move(*lock), api, clock, events);
  RETURN_IF_ERROR(node->begin());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace runner::node
