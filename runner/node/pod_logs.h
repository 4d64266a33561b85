#pragma once

// PodLogs: the output of the node's containers, for whoever serves pods/log.
//
// Threads: any. Readers must not outlive it.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/log_source.h"
#include "kube/resource_type.h"

namespace runner::node {

struct ContainerLog {
  // Oldest first: "log.1" when the log was rotated, then "log". A rotation renames the last one to
  // the first: who follows notices that the inode behind the name has changed.
  std::vector<std::filesystem::path> files;
  bool finished = false;  // nothing will be added any more
};

class PodLogs {
 public:
  // NotFound: `pods "x" not found` (this node does not have it). InvalidArgument: the container is
  // not one of the pod's, or was left out though the pod has several; Unavailable: not started yet.
  // The texts are those of a kubelet.
  [[nodiscard]] base::Result<ContainerLog> find(const std::string& ns, const std::string& pod,
                                                const std::string& container) const;

  // As a kube::LogSource opens it. NotFound also when the pod of that name has another UID; an
  // empty `uid` is any. The clock must outlive the reader.
  [[nodiscard]] base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                                    const std::string& uid,
                                                                    const kube::LogOptions& options,
                                                                    base::Clock& clock) const;

  // For the node alone.
  struct Entry {
    std::string uid;
    std::filesystem::path containers_folder;
    std::vector<std::string> containers;   // main ones first
    std::map<std::string, bool> finished;  // of those that have started
  };
  void put(const kube::ObjectKey& pod, Entry entry);
  // A started container's log, whoever has the pod's name now; nullopt when it has not started.
  static std::optional<ContainerLog> log_of(const Entry& entry, const std::string& container);
  void remove(const kube::ObjectKey& pod, const std::string& uid);

 private:
  mutable base::Mutex mutex_;
  std::map<kube::ObjectKey, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace runner::node
