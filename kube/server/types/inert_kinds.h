#pragma once

// Kinds that people keep in the same file or chart as their schedules and that only a cluster can
// act on: permissions, quotas, priorities, networks, disks. They are stored, validated, listed and
// explained like any other, so that `kubectl apply -f` and Helm go through, and every write of one
// comes back with a warning that it has no effect here. Nothing reads them, so `rules: []` stays as
// it was written, and a second `kubectl apply` changes nothing.
//
// What would promise to run something (Deployment, Job, CronJob, …) is not among them: see
// absent_kinds.h. Threads: pure function.

#include <string>
#include <vector>

#include "kube/resource_type.h"
#include "kube/server/types/names.h"

namespace kube::server::types {

struct InertKind {
  kube::ResourceType type;
  std::string singular;
  std::vector<std::string> short_names;
  NameRule name = NameRule::Subdomain;
  bool status = false;      // has a status subresource
  bool generation = false;  // counts changes of its spec
  std::string instead;      // what holds here instead; ends the warning
};

const std::vector<InertKind>& inert_kinds();
// "NetworkPolicy has no effect in sparkcron standalone: drivers are local processes".
std::string warning_of(const InertKind& kind);

}  // namespace kube::server::types
