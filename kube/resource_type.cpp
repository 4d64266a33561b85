#include "kube/resource_type.h"

namespace kube {

#define SPARKCRON_RESOURCE(function, group, version, plural, kind, namespaced) \
  const ResourceType& function() {                                             \
    static const ResourceType type{group, version, plural, kind, namespaced};  \
    return type;                                                               \
  }
SPARKCRON_RESOURCE(pods, "", "v1", "pods", "Pod", true)
SPARKCRON_RESOURCE(services, "", "v1", "services", "Service", true)
SPARKCRON_RESOURCE(config_maps, "", "v1", "configmaps", "ConfigMap", true)
SPARKCRON_RESOURCE(secrets, "", "v1", "secrets", "Secret", true)
SPARKCRON_RESOURCE(persistent_volume_claims, "", "v1", "persistentvolumeclaims",
                   "PersistentVolumeClaim", true)
SPARKCRON_RESOURCE(nodes, "", "v1", "nodes", "Node", false)
SPARKCRON_RESOURCE(namespaces, "", "v1", "namespaces", "Namespace", false)
SPARKCRON_RESOURCE(events, "events.k8s.io", "v1", "events", "Event", true)
SPARKCRON_RESOURCE(core_events, "", "v1", "events", "Event", true)
SPARKCRON_RESOURCE(leases, "coordination.k8s.io", "v1", "leases", "Lease", true)
SPARKCRON_RESOURCE(custom_resource_definitions, "apiextensions.k8s.io", "v1",
                   "customresourcedefinitions", "CustomResourceDefinition", false)
#undef SPARKCRON_RESOURCE

}  // namespace kube
