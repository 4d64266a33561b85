#pragma once

// Kinds that would promise to run or to route something, which nothing here does: Deployment, Job,
// Endpoints and the like. They can be listed and watched, always empty, because tools ask for them
// beside what they came for (`kubectl apply --prune`, `kubectl get all`). Creating one is refused,
// with what to do instead: stored and never run would be a lie.
//
// Threads: pure function.

#include <string>
#include <vector>

#include "kube/resource_type.h"

namespace kube::server::types {

struct AbsentKind {
  kube::ResourceType type;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::string refusal;  // ends "deployments.apps "web" is forbidden: "
};

const std::vector<AbsentKind>& absent_kinds();

}  // namespace kube::server::types
