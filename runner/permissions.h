#pragma once

// Permissions: every call that the product makes of a Kubernetes API, with what would not work
// without it. The roles of charts/ are generated from this table (`sparkcron permissions`); the
// simulation and the tests on a cluster fail when a call is missing here, or when a row is not
// needed.
//
// Threads: pure functions and constants.

#include <span>
#include <string>
#include <string_view>

namespace runner {

// Who is allowed, and where.
enum class Role {
  Controller,  // in every namespace of schedules and applications
  Election,    // in the controller's own namespace: one lease
  Release,     // as Controller, of `sparkcron release` before an uninstall; takes part in elections
  Driver,      // Spark's own service account, in its own namespace
};

struct Permission {
  Role role;
  std::string_view group;      // "" for the core group
  std::string_view resource;   // "pods", with its subresource: "sparkapplications/status"
  std::string_view verb;       // as RBAC has them: "get", "deletecollection"
  std::string_view feature;    // what stops working without it
  std::string_view name = {};  // the only object that it is for; empty: every one
};

std::span<const Permission> permissions();

// The rules of a Role or ClusterRole as YAML, a list; above each rule what it is for.
std::string rules_yaml(Role role);

}  // namespace runner
