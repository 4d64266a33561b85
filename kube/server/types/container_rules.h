#pragma once

// What may stand in a container of a pod, beyond its schema: what a kubelet or a process could only
// fail at later, without saying so, is refused when it is applied. Kubernetes' own rules and texts,
// and three of ours for what it leaves to the container runtime: no zero bytes, no volume over the
// root of the file system, nothing negative among the resources.
//
// Threads: pure functions.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"

namespace kube::server::types {

// `path` is that of the container: "spec.containers[0]".
void check_environment(const nlohmann::json& container, const std::string& path,
                       std::vector<machinery::FieldError>& errors);
void check_ports(const nlohmann::json& container, const std::string& path,
                 std::vector<machinery::FieldError>& errors);
// Amounts in their canonical form; requests within their limits.
void check_resources(const nlohmann::json& container, const std::string& path,
                     std::vector<machinery::FieldError>& errors);
// A limit without a request is the request, too.
void request_what_is_limited(nlohmann::json& container);
// Of one volumeMount.
void check_mount_path(const std::string& place, const std::string& path,
                      std::vector<machinery::FieldError>& errors);
// A program would see every text cut at its first zero byte.
void check_no_zero_bytes(const nlohmann::json& value, const std::string& path,
                         std::vector<machinery::FieldError>& errors);

}  // namespace kube::server::types
