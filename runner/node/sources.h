#pragma once

// Sources: what a pod takes from the API and from itself: keys of ConfigMaps and Secrets, fields of
// the pod, resources of a container. Used by environment and volumes alike.
//
// Errors: NotFound `configmap "x" not found`, `key "k" not found in secret "x"`: the pod waits for
// it. InvalidArgument: can never work. Each object is fetched once per Sources. Threads: one.

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/api.h"

namespace runner::node {

using Data = std::map<std::string, std::string>;

// What the node knows and the pod object does not say yet.
struct PodPlacement {
  std::string pod_ip;
  std::string host_ip;
  std::string node_name;
};

class Sources {
 public:
  Sources(kube::Api& api, const nlohmann::json& pod, PodPlacement facts)
      : api_(api), pod_(pod), facts_(std::move(facts)) {}

  // All keys; nullopt when absent but optional.
  base::Result<std::optional<Data>> config_map(const std::string& name, bool optional);
  base::Result<std::optional<Data>> secret(const std::string& name, bool optional);
  // "metadata.name", "metadata.labels['x']", "metadata.labels" (all, for files), "status.podIP", ….
  [[nodiscard]] base::Result<std::string> field(const std::string& path) const;
  // "limits.memory" of the named container, in units of the divisor, rounded up.
  [[nodiscard]] base::Result<std::string> resource(const nlohmann::json& container,
                                                   const std::string& name,
                                                   const std::string& divisor) const;
  [[nodiscard]] const nlohmann::json& pod() const { return pod_; }
  [[nodiscard]] const PodPlacement& facts() const { return facts_; }
  kube::Api& api() { return api_; }

 private:
  base::Result<std::optional<Data>> fetch(const kube::ResourceType& type, const std::string& name,
                                          bool optional);
  kube::Api& api_;
  const nlohmann::json& pod_;
  PodPlacement facts_;
  std::map<std::string, std::optional<Data>> fetched_;
};

}  // namespace runner::node
