#include "runner/permissions.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/check.h"

namespace runner {
namespace {

constexpr std::string_view kCore;
constexpr std::string_view kOurs = "sparkoperator.k8s.io";
constexpr std::string_view kEvents = "events.k8s.io";
constexpr std::string_view kNetworking = "networking.k8s.io";
constexpr std::string_view kGateway = "gateway.networking.k8s.io";
constexpr std::string_view kBudgets = "policy";
constexpr std::string_view kVolcano = "scheduling.volcano.sh";
constexpr std::string_view kCoscheduling = "scheduling.x-k8s.io";
constexpr std::string_view kCoordination = "coordination.k8s.io";
constexpr std::string_view kLease = "sparkcron-controller";
constexpr std::string_view kAdmission = "admissionregistration.k8s.io";
constexpr std::string_view kCertificate = "sparkcron-webhook-certs";
constexpr std::string_view kWebhook = "sparkcron-webhook";

constexpr RoleDescription kRoles[] = {
    {Role::Controller, "controller"},
    {Role::Quota, "quota", "--enable-resource-quota-enforcement"},
    {Role::NamespaceSelector, "namespace-selector", "--namespace-selector"},
    {Role::Election, "election", "--leader-elect"},
    {Role::WebhookCertificate, "webhook-certificate", "--webhook-listen"},
    {Role::WebhookTrust, "webhook-trust", "--webhook-listen"},
    {Role::HistoryTokens, "history-tokens", "--history-listen"},
    {Role::HistoryAccess, "history-access", "--history-listen"},
    {Role::Release, "release"},
    {Role::Driver, "driver"},
};

constexpr Permission controller(std::string_view group, std::string_view resource,
                                std::string_view verb, std::string_view feature) {
  return {Role::Controller, group, resource, verb, feature};
}

constexpr Permission driver(std::string_view resource, std::string_view verb,
                            std::string_view feature) {
  return {Role::Driver, kCore, resource, verb, feature};
}

// In the order in which the rules are written; rows of one resource stand together.
constexpr Permission kTable[] = {
    controller(kOurs, "scheduledsparkapplications", "get",
               "a run starts only if its schedule still wants it"),
    controller(kOurs, "scheduledsparkapplications", "list", "schedules are found"),
    controller(kOurs, "scheduledsparkapplications", "watch", "changes of schedules are heard"),
    controller(
        kOurs, "scheduledsparkapplications", "patch",
        "a trigger that was taken up is taken away, so that the same one can be given again"),
    controller(kOurs, "scheduledsparkapplications/status", "update",
               "schedules show and remember how they stand"),
    // Where OwnerReferencesPermissionEnforcement is on (OpenShift), who makes an object that blocks
    // its owner's deletion needs these two.
    controller(kOurs, "scheduledsparkapplications/finalizers", "update",
               "runs belong to their schedule where that is checked"),
    controller(kOurs, "sparkapplications", "get", "a name that is taken is looked at"),
    controller(kOurs, "sparkapplications", "list", "applications are found"),
    controller(kOurs, "sparkapplications", "watch", "changes of applications are heard"),
    controller(kOurs, "sparkapplications", "create", "slots become runs"),
    controller(kOurs, "sparkapplications", "patch",
               "a run that is deleted stays until its driver has stopped"),
    controller(kOurs, "sparkapplications", "delete", "old runs are pruned, Replace replaces"),
    controller(kOurs, "sparkapplications/status", "patch", "applications show how they stand"),
    controller(kOurs, "sparkapplications/finalizers", "update",
               "pods belong to their application where that is checked"),
    controller(kCore, "pods", "get", "a driver that the cache does not show is asked for"),
    controller(kCore, "pods", "list", "drivers and executors are found"),
    controller(kCore, "pods", "watch", "what becomes of drivers is heard"),
    controller(kCore, "pods", "create", "drivers start"),
    controller(kCore, "pods", "delete", "drivers are stopped and replaced"),
    controller(kCore, "pods/log", "get", "drivers' logs are kept before their pods go"),
    controller(kCore, "services", "get", "a service whose name is taken is looked at"),
    controller(kCore, "services", "list", "the services of an ended attempt are found"),
    controller(kCore, "services", "create", "executors find their driver"),
    controller(kCore, "services", "delete", "the services of an ended attempt go"),
    controller(kCore, "configmaps", "get", "a ConfigMap whose name is taken is looked at"),
    controller(kCore, "configmaps", "list", "the ConfigMaps of an ended attempt are found"),
    controller(kCore, "configmaps", "create", "drivers get their configuration"),
    controller(
        kCore, "configmaps", "update",
        "a driver that comes too late does not start; new executors are placed as an edit says"),
    controller(kCore, "configmaps", "delete", "the ConfigMaps of an ended attempt go"),
    controller(kCore, "persistentvolumeclaims", "get", "a claim whose name is taken is looked at"),
    controller(kCore, "persistentvolumeclaims", "list", "the claims of an ended attempt are found"),
    controller(kCore, "persistentvolumeclaims", "create", "drivers get volumes that Spark claims"),
    controller(kCore, "persistentvolumeclaims", "delete", "the claims of an ended attempt go"),
    controller(kNetworking, "networkpolicies", "get",
               "a network policy whose name is taken is looked at"),
    controller(kNetworking, "networkpolicies", "list",
               "the network policies of an ended attempt are found"),
    controller(kNetworking, "networkpolicies", "create",
               "executors of Spark 4.2 and newer are reached by their own run only"),
    controller(kNetworking, "networkpolicies", "delete",
               "the network policies of an ended attempt go"),
    controller(kNetworking, "ingresses", "get", "an Ingress whose name is taken is looked at"),
    controller(kNetworking, "ingresses", "list", "the Ingresses of an ended attempt are found"),
    controller(kNetworking, "ingresses", "create", "drivers and their UIs are shown by Ingresses"),
    controller(kNetworking, "ingresses", "delete", "the Ingresses of an ended attempt go"),
    controller(kGateway, "httproutes", "get", "an HTTPRoute whose name is taken is looked at"),
    controller(kGateway, "httproutes", "list", "the HTTPRoutes of an ended attempt are found"),
    controller(kGateway, "httproutes", "create", "drivers and their UIs are shown by HTTPRoutes"),
    controller(kGateway, "httproutes", "delete", "the HTTPRoutes of an ended attempt go"),
    controller(kBudgets, "poddisruptionbudgets", "get",
               "a disruption budget whose name is taken is looked at"),
    controller(kBudgets, "poddisruptionbudgets", "list",
               "the disruption budgets of an ended attempt are found"),
    controller(kBudgets, "poddisruptionbudgets", "create",
               "drivers are not drained where people ask for that"),
    controller(kBudgets, "poddisruptionbudgets", "delete",
               "the disruption budgets of an ended attempt go"),
    controller(kVolcano, "podgroups", "get",
               "a PodGroup of Volcano whose name is taken is looked at"),
    controller(kVolcano, "podgroups", "list",
               "the PodGroups of Volcano of an ended attempt are found"),
    controller(kVolcano, "podgroups", "create", "Volcano places a run as a whole"),
    controller(kVolcano, "podgroups", "delete", "the PodGroups of Volcano of an ended attempt go"),
    controller(kCoscheduling, "podgroups", "get", "a PodGroup whose name is taken is looked at"),
    controller(kCoscheduling, "podgroups", "list", "the PodGroups of an ended attempt are found"),
    controller(kCoscheduling, "podgroups", "create", "a kube-scheduler places a run as a whole"),
    controller(kCoscheduling, "podgroups", "delete", "the PodGroups of an ended attempt go"),
    controller(kEvents, "events", "create", "what happens is told as events"),
    controller(kEvents, "events", "patch", "an event that comes again is counted"),

    {Role::Quota, kCore, "resourcequotas", "list", "a run that no quota has room for is refused"},

    {Role::NamespaceSelector, kCore, "namespaces", "list", "namespaces are chosen by their labels"},
    {Role::NamespaceSelector, kCore, "namespaces", "watch",
     "namespaces that get the label, or lose it, are heard of"},

    {Role::Election, kCoordination, "leases", "get", "replicas see who leads", kLease},
    {Role::Election, kCoordination, "leases", "update", "the leader stays the leader", kLease},
    // A name cannot be asked for when an object is created.
    {Role::Election, kCoordination, "leases", "create", "the first leader is elected"},

    {Role::Election, kEvents, "events", "create", "what became of the ledger is told at the lease"},
    {Role::Election, kEvents, "events", "patch",
     "an event at the lease that comes again is counted"},

    // With --webhook-cert-dir neither: somebody else keeps the certificate. The Secret itself is
    // made by who installs, empty: a right to create Secrets could not be held to one name.
    {Role::WebhookCertificate, kCore, "secrets", "get", "all replicas serve one certificate",
     kCertificate},
    {Role::WebhookCertificate, kCore, "secrets", "update", "the certificate is made and renewed",
     kCertificate},
    {Role::WebhookTrust, kAdmission, "validatingwebhookconfigurations", "get",
     "what API servers trust is looked at", kWebhook},
    {Role::WebhookTrust, kAdmission, "validatingwebhookconfigurations", "update",
     "API servers are told what to trust when they ask about objects", kWebhook},
    {Role::WebhookTrust, kAdmission, "mutatingwebhookconfigurations", "get",
     "what API servers trust is looked at", kWebhook},
    {Role::WebhookTrust, kAdmission, "mutatingwebhookconfigurations", "update",
     "API servers are told what to trust when they ask for defaults", kWebhook},

    {Role::HistoryTokens, "authentication.k8s.io", "tokenreviews", "create",
     "readers of the history are known by their tokens"},
    {Role::HistoryTokens, "authorization.k8s.io", "subjectaccessreviews", "create",
     "what a person may see in the dashboard is asked, by namespace"},
    {Role::HistoryAccess, "authorization.k8s.io", "localsubjectaccessreviews", "create",
     "who may read the history is asked"},

    {Role::Release, kOurs, "sparkapplications", "get",
     "a run that changed meanwhile is read again"},
    {Role::Release, kOurs, "sparkapplications", "list", "runs are found"},
    {Role::Release, kOurs, "sparkapplications", "patch", "runs lose the finalizer"},

    driver("pods", "get", "the driver finds its own pod"),
    driver("pods", "list", "the driver counts its executors"),
    driver("pods", "watch", "the driver hears of its executors"),
    driver("pods", "create", "the driver starts executors"),
    driver("pods", "patch", "the driver marks executors that it gives up"),
    driver("pods", "delete", "the driver ends executors that fail or are idle"),
    driver("pods", "deletecollection", "the driver ends all executors with itself"),
    // By Spark's own sources, 3.0 to 4.2 (KubernetesClusterSchedulerBackend, the pod allocators,
    // the client library that they use): pods since 3.0; ConfigMaps and claims of executors
    // since 3.1; claims that are used again, and the removal of services and claims, since 3.2.
    // Until 3.3 a driver lists what it deletes by label and deletes one by one; since 3.4 it
    // deletes the collection. A pod is read before it is patched until 4.0. What other pod
    // allocators than the default one (spark.kubernetes.allocation.pods.allocator) need is not
    // here.
    driver("configmaps", "list",
           "drivers of Spark 3.3 and older find their executors' configuration"),
    driver("configmaps", "create", "executors get their configuration"),
    driver("configmaps", "delete", "drivers of Spark 3.3 and older remove that configuration"),
    driver("configmaps", "deletecollection", "the driver removes that configuration"),
    driver("services", "list", "drivers of Spark 3.3 and older find their service"),
    driver("services", "delete", "drivers of Spark 3.3 and older remove their service"),
    driver("services", "deletecollection", "the driver removes its service"),
    driver("persistentvolumeclaims", "list", "the driver uses claims of lost executors again"),
    driver("persistentvolumeclaims", "create", "executors get volumes that Spark claims"),
    driver("persistentvolumeclaims", "delete",
           "the driver removes a claim whose executor did not start"),
    driver("persistentvolumeclaims", "deletecollection",
           "the driver removes its executors' claims"),
};

struct Rule {
  std::vector<const Permission*> rows;
};

bool same_rule(const Permission& one, const Permission& other) {
  return one.group == other.group && one.resource == other.resource && one.name == other.name;
}

std::vector<Rule> rules_of(Role role) {
  std::vector<Rule> rules;
  for (const Permission& row : permissions()) {
    if (row.role != role) continue;
    if (rules.empty() || !same_rule(*rules.back().rows.front(), row)) rules.emplace_back();
    rules.back().rows.push_back(&row);
  }
  return rules;
}

}  // namespace

std::span<const Permission> permissions() {
  return kTable;
}

std::span<const RoleDescription> roles() {
  return kRoles;
}

const RoleDescription& describe(Role role) {
  const auto at = std::find_if(std::begin(kRoles), std::end(kRoles),
                               [&](const auto& one) { return one.role == role; });
  CHECK(at != std::end(kRoles));
  return *at;
}

std::string rules_yaml(Role role) {
  std::string text;
  for (const Rule& rule : rules_of(role)) {
    const Permission& first = *rule.rows.front();
    std::string verbs;
    for (const Permission* row : rule.rows) {
      text += "# " + std::string(row->verb) + ": " + std::string(row->feature) + "\n";
      verbs += (verbs.empty() ? "" : ", ") + std::string(row->verb);
    }
    text += "- apiGroups: [" + (first.group.empty() ? "\"\"" : std::string(first.group)) + "]\n";
    text += "  resources: [" + std::string(first.resource) + "]\n";
    if (!first.name.empty()) text += "  resourceNames: [" + std::string(first.name) + "]\n";
    text += "  verbs: [" + verbs + "]\n";
  }
  return text;
}

}  // namespace runner
