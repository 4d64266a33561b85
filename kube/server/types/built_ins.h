#pragma once

// The built-in kinds: Namespace, Node, Pod, Service, ConfigMap, Secret, Event (both groups),
// ServiceAccount, PersistentVolumeClaim, Lease, CustomResourceDefinition, the access reviews, what
// is stored without effect (inert_kinds.h), and what can only be listed (absent_kinds.h).
//
// Threads: pure function.

#include <vector>

#include "kube/server/types/resource.h"

namespace kube::server::types {

std::vector<ResourcePtr> built_ins();

}  // namespace kube::server::types
