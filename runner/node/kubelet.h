#pragma once

// Kubelet: takes over the pods that are bound to this node, runs them, reports what becomes of them
// and lets go of them when the API has them no more. Each pod is looked at by itself: sync() may be
// called for any UID at any time, and what it finds wrong is that pod's alone, thrown exceptions
// included.
//
// Nothing that cannot be read is taken for gone: a folder without a readable record, a process
// table that does not open, a pod that the informer leaves out are looked into again. Threads: one.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "runner/node/addresses.h"
#include "runner/node/bell.h"
#include "runner/node/node.h"
#include "runner/node/placement.h"
#include "runner/node/pod_index.h"
#include "runner/node/pod_run.h"
#include "runner/node/trash.h"

namespace runner::node {

class Kubelet {
 public:
  Kubelet(const NodeOptions& options, kube::Api& api, base::Clock& clock,
          kube::EventRecorder& events, const PodIndex& index, PodLogs& logs, Bell& bell,
          Trash& trash);

  // Finds the pods of earlier runs in the folder. An error: it cannot be told who runs.
  base::Status adopt();
  // One step further, from wherever this pod is. Only when the index has seen a whole list. An
  // error: look again later.
  base::Status sync(const std::string& uid);
  // Nothing is started any more, what runs is told to end.
  void begin_stop();
  // Nothing runs any more.
  bool all_over();

  // All that have a folder here.
  [[nodiscard]] std::vector<std::string> uids() const;
  // Those that were not over when they were last looked after.
  [[nodiscard]] const std::set<std::string>& living() const { return living_; }
  [[nodiscard]] bool knows(const std::string& uid) const { return known_.contains(uid); }
  // What the pods hold that are not over, objects or not.
  [[nodiscard]] std::vector<Resources> used() const;
  [[nodiscard]] std::set<kube::ObjectKey> used_claims() const;

 private:
  struct Known {
    std::unique_ptr<PodRun> run;
    nlohmann::json reported;  // the status written last; null when none was
    std::optional<ProcessIdentity> watched;
    bool failed = false;    // refused before anything ran
    bool log_told = false;  // to on_log_removal
  };

  base::Status ask_to_stop(const std::string& uid);
  base::Status step(const std::string& uid);
  base::Status step_gone(const std::string& uid);
  base::Result<PodIndex::Object> ask_api(const PodRecord& record);
  void tell_trouble(const std::string& uid, const base::Error& error);
  void count(const std::string& uid);

  base::Status recover(const std::string& uid, const PodIndex::Object& object);
  Known& admit(PodRecord record);
  base::Status take_over(const std::string& uid, const nlohmann::json& pod);
  base::Status refuse(const nlohmann::json& pod, const std::string& reason,
                      const std::string& message);
  base::Status begin_folder(const PodRecord& record);
  base::Status advance(Known& known, const nlohmann::json& pod);
  [[nodiscard]] base::Status await_predecessors(const PodRun& run) const;
  [[nodiscard]] base::Result<bool> may_overlap(const PodRecord& record) const;
  base::Status prepare_and_launch(Known& known, const nlohmann::json& pod);
  void watch_supervisor(Known& known);
  base::Status report(Known& known, const nlohmann::json& pod);
  base::Status report_waiting(const nlohmann::json& pod, const base::Error& error);
  base::Status write_status(const nlohmann::json& pod, const nlohmann::json& status);
  base::Status finish_deletion(const nlohmann::json& pod);
  base::Status forget(const std::string& uid);
  void tell_ignored(const nlohmann::json& pod);

  const NodeOptions& options_;
  kube::Api& api_;
  base::Clock& clock_;
  kube::EventRecorder& events_;
  const PodIndex& index_;
  PodLogs& logs_;
  Bell& bell_;
  Trash& trash_;
  Addresses addresses_;
  std::map<std::string, Known> known_;
  std::set<std::string> living_;                 // of known_: what is not over
  std::map<std::string, std::string> doubtful_;  // folders without a readable record, and why
  std::map<std::string, std::string> troubles_;  // what was told last of a pod that fails
  bool stopping_ = false;
};

}  // namespace runner::node
