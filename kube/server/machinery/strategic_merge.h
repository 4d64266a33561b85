#pragma once

// Strategic merge patch for built-in kinds: lists that have a merge key merge item by item, and the
// directives $patch (delete, replace, merge), $deleteFromPrimitiveList/x, $setElementOrder/x and
// $retainKeys do what kubectl means by them. Custom resources do not have it (415).
//
// Errors: 400/422 with the texts of Kubernetes; depth and growth bounded. Threads: pure function.

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/field_type.h"
#include "kube/server/machinery/patch.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

Outcome<Json> strategic_merge_patch(const Json& target, const Json& patch, const FieldType& type,
                                    const PatchLimits& limits = {});

}  // namespace kube::server::machinery
