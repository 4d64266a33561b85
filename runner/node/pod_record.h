#pragma once

// PodRecord: what the node must remember of a pod that it took over, whatever the API says later:
// who it is, its address, since when. Written before anything else of the pod exists on disk.
//
// Threads: plain values.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/resource_type.h"
#include "runner/node/launch.h"

namespace runner::node {

struct PodRecord {
  kube::ObjectKey key;
  std::string uid;
  std::string address;
  base::WallTime start_time;
  nlohmann::json pod;  // as it was then: a pod's spec does not change
  // Put together without the file: the files beside it may be missing or unreadable, too.
  bool in_doubt = false;
};

struct FoundPods {
  std::vector<PodRecord> records;
  std::map<std::string, std::string> doubtful;  // by UID: why its record cannot be read
};

base::Status write_record(const PodFiles& files, const PodRecord& record);
base::Result<PodRecord> read_record(const PodFiles& files);
// All that were taken over, in no order. A folder that holds nothing never began and is removed;
// one whose record cannot be read, for whatever reason, may belong to a pod that runs: it is kept.
// An error: the folder of all pods cannot be read, so nothing is known of any.
base::Result<FoundPods> read_records(const std::filesystem::path& pods_folder);

}  // namespace runner::node
