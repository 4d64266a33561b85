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

// Who is allowed, and where. All but Release and Driver are the controller's; those with an option
// are needed with that option alone.
enum class Role {
  Controller,          // in every namespace of schedules and applications
  Quota,               // as Controller
  NamespaceSelector,   // in the cluster
  Election,            // in the controller's own namespace: one lease
  WebhookCertificate,  // in the controller's own namespace: one Secret
  WebhookTrust,        // in the cluster: the webhook's two configurations
  HistoryTokens,       // in the cluster
  HistoryAccess,       // in the controller's own namespace
  Release,  // as Controller, of `sparkcron release` before an uninstall; takes part in elections
  Driver,   // Spark's own service account, in its own namespace
};

struct RoleDescription {
  Role role;
  std::string_view name;         // "webhook-trust"
  std::string_view option = {};  // of `sparkcron controller`, that needs it; empty: always
};

// In the order of the table.
std::span<const RoleDescription> roles();
const RoleDescription& describe(Role role);

struct Permission {
  Role role;
  std::string_view group;     // "" for the core group
  std::string_view resource;  // "pods", with its subresource: "sparkapplications/status"
  std::string_view verb;      // as RBAC has them: "get", "deletecollection"
  std::string_view feature;   // what stops working without it
  // The only object that it is for, by the name that it has unless an option gives it another;
  // empty: every one.
  std::string_view name = {};
};

std::span<const Permission> permissions();

// The rules of a Role or ClusterRole as YAML, a list; above each rule what it is for.
std::string rules_yaml(Role role);

}  // namespace runner
