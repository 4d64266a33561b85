#pragma once

// Volumes that a Spark configuration describes: <prefix><type>.<name>.{mount,options,label,
// annotation}.… As in KubernetesVolumeUtils.
//
// Errors: InvalidArgument in Spark's own words. Threads: pure functions.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/submission/conf.h"
#include "runner/submission/spark_version.h"

namespace runner::submission {

struct Volume {
  std::string type;  // hostPath, emptyDir, nfs, persistentVolumeClaim
  std::string name;
  std::string mount_path;
  std::string sub_path;
  std::string sub_path_expr;
  bool read_only = false;
  // Of its type; empty when not set.
  std::string path;
  std::string host_path_type;
  std::string medium;
  std::string size_limit;
  std::string server;
  std::string claim_name;
  std::string storage_class;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> annotations;
};

base::Result<std::vector<Volume>> parse_volumes(const Conf& conf, std::string_view prefix,
                                                const SparkVersion& version);
// For spec.volumes; `claim` is the claim's final name.
nlohmann::json volume_json(const Volume& volume, const std::string& claim);
nlohmann::json mount_json(const Volume& volume, const SparkVersion& version);

}  // namespace runner::submission
