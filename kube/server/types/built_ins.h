#pragma once

// The built-in kinds: Namespace, Node, Pod, Service, ConfigMap, Secret, Event (both groups),
// ServiceAccount, PersistentVolumeClaim, Lease, CustomResourceDefinition, and the access reviews.
//
// Threads: pure function.

#include <vector>

#include "kube/server/types/resource.h"

namespace kube::server::types {

std::vector<ResourcePtr> built_ins();

}  // namespace kube::server::types
