#pragma once

// The kinds of what attempts make.
//
// Threads: pure.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"
#include "runner/submission/submission.h"

namespace runner::applications {

// Of an object that a submission makes.
const kube::ResourceType& kind_of(const nlohmann::json& object);

// What attempts leave besides Services and ConfigMaps. Asked for only where there can be any: on a
// cluster each takes a right of its own.
std::vector<const kube::ResourceType*> rare_kinds(const nlohmann::json& object,
                                                  const submission::Context& context);
// What was made before an edit follows from a spec that nobody has any more.
std::vector<const kube::ResourceType*> all_rare_kinds(const submission::Context& context);

}  // namespace runner::applications
