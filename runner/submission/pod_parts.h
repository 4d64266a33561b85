#pragma once

// PodParts: the fields of a SparkApplication that no Spark configuration can express. Other
// operators change pods by a webhook after Spark has made them; here they are written straight into
// the driver's pod and into the executors' pod template.
//
// Threads: plain values, pure functions.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>  // members by value

#include "runner/submission/conf.h"
#include "runner/submission/fields.h"

namespace runner::submission {

enum class Role { Driver, Executor };

struct PodParts {
  // Appended.
  std::vector<nlohmann::json> env;
  std::vector<nlohmann::json> env_from;
  std::vector<nlohmann::json> mounts;
  std::vector<nlohmann::json> ports;
  std::vector<nlohmann::json> volumes;
  std::vector<nlohmann::json> init_containers;
  std::vector<nlohmann::json> sidecars;
  std::vector<nlohmann::json> tolerations;
  std::vector<nlohmann::json> host_aliases;
  // Scratch space that no Spark configuration can say, but that Spark must see: goes into the pod
  // before Spark's own parts.
  std::vector<nlohmann::json> local_mounts;
  std::vector<nlohmann::json> local_volumes;
  // Merged.
  std::map<std::string, std::string> node_selector;
  std::map<std::string, std::string> limits;
  // Set, whatever was there.
  nlohmann::json pod_fields = nlohmann::json::object();
  nlohmann::json container_fields = nlohmann::json::object();
};

// Of `role` (spec.driver or spec.executor); `spec` for the parts that both share. `conf` receives
// what must go there instead.
PodParts pod_parts(Role which, Fields& role, Fields& spec, const nlohmann::json& role_template,
                   Conf& conf);

// The scratch space alone; `pod` may be null.
void apply_local_dirs(const PodParts& parts, nlohmann::json& pod, std::string_view container_name);

// `container_name` chooses the container; the first one when none has the name; a new one when
// there is none at all.
void apply(const PodParts& parts, nlohmann::json& pod, std::string_view container_name);

}  // namespace runner::submission
