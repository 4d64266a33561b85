#pragma once

// PodRecord: what the node must remember of a pod that it took over, whatever the API says later:
// who it is, its address, since when. Written before anything else of the pod exists on disk.
//
// Threads: plain values.

#include <filesystem>
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
};

base::Status write_record(const PodFiles& files, const PodRecord& record);
base::Result<PodRecord> read_record(const PodFiles& files);
// All that were taken over, in no order. A folder without a readable record never began: it is
// removed.
std::vector<PodRecord> read_records(const std::filesystem::path& pods_folder);

}  // namespace runner::node
