#include "runner/node/node.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/mutex.h"
#include "kube/informer.h"
#include "runner/node/bell.h"
#include "runner/node/claims.h"
#include "runner/node/kubelet.h"
#include "runner/node/pod_index.h"
#include "runner/node/pod_scheduler.h"
#include "runner/node/registration.h"
#include "runner/node/trash.h"

namespace runner::node {
namespace {

using base::Code;
using base::failure;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kFirstRetry{250};
constexpr milliseconds kLongestRetry{10'000};
constexpr milliseconds kSoon{1'000};
// Until the first whole list is there.
constexpr milliseconds kAwaitList{50};
// How long the end of the service waits for pods that do not end.
constexpr std::chrono::seconds kLongestStop{30};

// The loop around the parts. What changes comes in as rings (a UID to look at) and as told objects;
// neither is needed for correctness: every known pod is looked at after the first whole list and
// every NodeOptions::look_again, when the index is compared with the informer's store as well.
class RunningNode final : public Node {
 public:
  RunningNode(NodeOptions options, base::FileDescriptor lock, kube::Api& api, base::Clock& clock,
              kube::EventRecorder& events)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        api_(api),
        clock_(clock),
        events_(events),
        index_(options_.name, options_.scheduler_name),
        registration_(
            api, clock, options_.name, options_.capacity,
            options_.scheduler_name.empty() ? OtherSchedulers::None : OtherSchedulers::KeptAway,
            options_.heartbeat),
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
  struct Rung {
    std::set<std::string> uids;
    bool stopping = false;
    bool leave = false;
  };

  void loop();
  Rung await_rung();
  [[nodiscard]] base::SteadyTime next_wake() const;
  void ring(const std::string& uid);
  void told(const kube::StoreDelta& delta);
  void look_again_soon(const char* what, const base::Error& error);
  void tell_last_ends();
  void look_at_all(std::set<std::string>& uids);
  void sync(const std::string& uid);

  const NodeOptions options_;
  const base::FileDescriptor lock_;
  kube::Api& api_;
  base::Clock& clock_;
  kube::EventRecorder& events_;
  PodLogs logs_;

  // Of the loop's thread alone.
  PodIndex index_;
  Registration registration_;
  std::unique_ptr<Kubelet> kubelet_;
  std::unique_ptr<PodScheduler> scheduler_;
  std::map<std::string, Retry> retries_;
  base::SteadyTime next_look_{};
  std::optional<base::SteadyTime> give_up_;  // once the stop has begun
  bool listed_ = false;                      // the first whole list was looked at

  base::Mutex mutex_;
  base::CondVar woken_;
  std::set<std::string> rung_ GUARDED_BY(mutex_);
  std::map<std::string, PodIndex::Object> told_ GUARDED_BY(mutex_);  // by UID; null: gone
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool leave_ GUARDED_BY(mutex_) = false;

  kube::Informer pods_;
  std::unique_ptr<Bell> bell_;
  std::unique_ptr<Trash> trash_;
  std::unique_ptr<Claims> claims_;  // of the loop's thread alone
  std::thread thread_;
};

base::Status RunningNode::begin() {
  for (const char* folder : {"pods", "claims"})
    RETURN_IF_ERROR(base::make_folders(options_.data_dir / folder));
  ASSIGN_OR_RETURN(bell_, Bell::create(options_.data_dir / "bell",
                                       [this](const std::string& uid) { ring(uid); }));
  ASSIGN_OR_RETURN(trash_, Trash::open(options_.data_dir / "trash"));
  claims_ = std::make_unique<Claims>(options_.data_dir / "claims", api_, clock_, *trash_);
  kubelet_ =
      std::make_unique<Kubelet>(options_, api_, clock_, events_, index_, logs_, *bell_, *trash_);
  scheduler_ = std::make_unique<PodScheduler>(options_, api_, clock_, events_, index_, *kubelet_);
  RETURN_IF_ERROR(kubelet_->adopt());
  pods_.add_handler([this](const kube::StoreDelta& delta) { told(delta); });
  pods_.stream_lists();
  pods_.start();
  thread_ = base::start_thread("node", [this] { loop(); });
  return {};
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

void RunningNode::told(const kube::StoreDelta& delta) {
  base::MutexLock lock(mutex_);
  // A namesake may have replaced it: two UIDs, two pods.
  if (delta.before) told_[kube::uid_of(*delta.before.object())] = nullptr;
  if (const auto after = delta.after.object()) told_[kube::uid_of(*after)] = after;
  woken_.notify_all();
}

base::SteadyTime RunningNode::next_wake() const {
  base::SteadyTime wake = std::min(registration_.next(), next_look_);
  if (!listed_) wake = std::min(wake, clock_.steady_now() + kAwaitList);
  if (give_up_) wake = std::min(wake, *give_up_);
  for (const auto& [uid, retry] : retries_)
    wake = std::min(wake, retry.at);
  return wake;
}

RunningNode::Rung RunningNode::await_rung() {
  Rung rung;
  base::MutexLock lock(mutex_);
  const base::SteadyTime wake = next_wake();
  while (rung_.empty() && told_.empty() && !(stopping_ && !give_up_) && clock_.steady_now() < wake)
    clock_.wait_until(lock, woken_, wake);
  rung.uids.swap(rung_);
  for (const auto& [uid, object] : told_) {
    // Not moved: what is told stays told when one of these throws.
    index_.put(uid, object);
    rung.uids.insert(uid);
  }
  told_.clear();
  rung.stopping = stopping_;
  rung.leave = leave_;
  return rung;
}

void RunningNode::loop() {
  while (true) {
    Rung rung = await_rung();
    if (rung.leave) return;
    if (rung.stopping && !give_up_) {
      give_up_ = clock_.steady_now() + kLongestStop;
      kubelet_->begin_stop();
      next_look_ = clock_.steady_now();
    }
    // Before the first whole list nothing is known to be gone.
    if (pods_.has_synced()) {
      const base::SteadyTime now = clock_.steady_now();
      if (!listed_ || now >= next_look_) look_at_all(rung.uids);
      for (const auto& [uid, retry] : retries_)
        if (retry.at <= now) rung.uids.insert(uid);
      for (const std::string& uid : rung.uids) {
        const auto looked = base::guarded("look after a pod", [&] { sync(uid); });
        if (!looked) look_again_soon("A pod could not be looked after", looked.error());
      }
      const auto placed =
          base::guarded("place pods", [this] { return give_up_ || scheduler_->place_pods(); });
      if (!placed) look_again_soon("Pods could not be placed", placed.error());
      if (!placed.value_or(false)) next_look_ = std::min(next_look_, now + kSoon);
    }
    if (give_up_ && (kubelet_->all_over() || clock_.steady_now() >= *give_up_)) {
      tell_last_ends();
      return;
    }
    registration_.keep_up();
  }
}

// What ended after this round's look has no later round to be told in. Once: what the API does not
// take now is told by the next start.
void RunningNode::tell_last_ends() {
  const std::set<std::string> living = kubelet_->living();
  for (const std::string& uid : living) {
    const auto told = base::guarded("tell how a pod ended", [&] { sync(uid); });
    if (!told) look_again_soon("How a pod ended could not be told", told.error());
  }
}

// For what belongs to no pod, or could not be told of one.
void RunningNode::look_again_soon(const char* what, const base::Error& error) {
  next_look_ = std::min(next_look_, clock_.steady_now() + kSoon);
  base::log_error("runner/node", what, {{"error", error.message}});
}

// Whatever was not told, and whoever did not ring.
void RunningNode::look_at_all(std::set<std::string>& uids) {
  std::vector<PodIndex::Object> objects;
  {
    base::MutexLock lock(mutex_);
    objects = pods_.store().list("");
    // The store shows a change before it is told: what was told so far is in it.
    for (const auto& [uid, object] : told_)
      uids.insert(uid);
    told_.clear();
  }
  for (std::string& uid : index_.replace(objects))
    uids.insert(std::move(uid));
  uids.insert(index_.ours().begin(), index_.ours().end());
  for (std::string& uid : kubelet_->uids())
    uids.insert(std::move(uid));
  claims_->sweep(kubelet_->used_claims());
  listed_ = true;
  next_look_ = clock_.steady_now() + options_.look_again;
}

void RunningNode::sync(const std::string& uid) {
  const auto status = kubelet_->sync(uid);
  if (status) {
    retries_.erase(uid);
    return;
  }
  Retry& retry = retries_[uid];
  retry.delay = std::clamp(retry.delay * 2, kFirstRetry, kLongestRetry);
  retry.at = clock_.steady_now() + std::max(retry.delay, status.error().retry_after);
}

base::Status check_owner(const fs::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0)
    return failure(base::system_error("look at " + folder.string(), errno));
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
  RETURN_IF_ERROR(base::make_folders(options.data_dir));
  RETURN_IF_ERROR(check_owner(options.data_dir));
  auto lock = base::lock_file(options.data_dir / "node.lock");
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
