#pragma once

// The scale subresource of a custom resource: an autoscaling/v1 Scale that shows and sets the
// number that its definition points to by paths (`.spec.replicas`).
//
// Source: "Scale subresource" of the documentation of custom resources. Threads: pure functions.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"
#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/status.h"

namespace kube::server::types {

// As the definition has them; `selector` may be empty.
struct ScalePaths {
  std::string spec_replicas;
  std::string status_replicas;
  std::string selector;
};

const kube::ResourceType& scales();

// Of a version of a definition; nullopt when it has no such subresource.
std::optional<ScalePaths> scale_paths(const nlohmann::json& version);
// What is wrong with the paths of a version. `path` is that of the version's subresources.
void check_scale_paths(const nlohmann::json& version, const std::string& path,
                       std::vector<machinery::FieldError>& errors);
// What a custom object holds at its paths must be numbers that a Scale can show.
void check_scaled(const ScalePaths& paths, const nlohmann::json& object,
                  std::vector<machinery::FieldError>& errors);

// The Scale of an object. Without a number in its spec there is none to read (500, as there); a
// writer gets one without spec.replicas.
enum class Purpose { Read, Write };
machinery::Outcome<nlohmann::json> scale_of(const ScalePaths& paths, const nlohmann::json& object,
                                            Purpose purpose);
// Takes the wanted number, and the resourceVersion if there is one, from a Scale.
machinery::Outcome<void> set_scale(const ScalePaths& paths, const nlohmann::json& scale,
                                   nlohmann::json& object);

}  // namespace kube::server::types
