#pragma once

// CustomResourceDefinitions: the rules of the kind itself, and the resources that one defines.
// Conversion between versions is by name only (strategy None).
//
// Threads: pure functions.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/types/resource.h"

namespace kube::server::types {

// Keeps a deleted definition until its objects are gone.
inline constexpr const char* kDefinitionFinalizer = "customresourcecleanup.apiextensions.k8s.io";

Rules definition_rules();

// The resources of a stored definition, one for each served version. Empty while it is not
// established.
std::vector<ResourcePtr> resources_of(const nlohmann::json& definition);

// status.conditions[type] of any object; creates or replaces it.
void set_condition(nlohmann::json& object, const std::string& type, bool value,
                   const std::string& reason, const std::string& message, const std::string& time);

}  // namespace kube::server::types
