#pragma once

// PodLogs: which files hold the output of a container, for whoever serves pods/log.
//
// Threads: any.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
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

  // For the node alone.
  struct Entry {
    std::string uid;
    std::filesystem::path containers_folder;
    std::vector<std::string> containers;   // main ones first
    std::map<std::string, bool> finished;  // of those that have started
  };
  void put(const kube::ObjectKey& pod, Entry entry);
  void remove(const kube::ObjectKey& pod, const std::string& uid);

 private:
  mutable base::Mutex mutex_;
  std::map<kube::ObjectKey, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace runner::node
