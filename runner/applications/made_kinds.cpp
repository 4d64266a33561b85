#include "runner/applications/made_kinds.h"

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::applications {
namespace {

using base::string_at;
using nlohmann::json;

// What only some submissions make.
struct RareTypes {
  kube::ResourceType network_policies{"networking.k8s.io", "v1", "networkpolicies",
                                      "NetworkPolicy"};
  kube::ResourceType ingresses{"networking.k8s.io", "v1", "ingresses", "Ingress"};
  kube::ResourceType http_routes{"gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute"};
  kube::ResourceType budgets{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"};
  kube::ResourceType volcano{"scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"};
  kube::ResourceType coscheduling{"scheduling.x-k8s.io", "v1alpha1", "podgroups", "PodGroup"};
};
const RareTypes& rare() {
  static const RareTypes types;
  return types;
}

}  // namespace

const kube::ResourceType& kind_of(const json& object) {
  const auto is = [&object](const kube::ResourceType& type) {
    return string_at(object, {"apiVersion"}) == type.api_version() &&
           string_at(object, {"kind"}) == type.kind;
  };
  const RareTypes& types = rare();
  for (const kube::ResourceType* type :
       {&kube::config_maps(), &kube::services(), &kube::secrets(),
        &kube::persistent_volume_claims(), &types.network_policies, &types.ingresses,
        &types.http_routes, &types.budgets, &types.volcano, &types.coscheduling}) {
    if (is(*type)) return *type;
  }
  return kube::pods();
}

std::vector<const kube::ResourceType*> rare_kinds(const json& object,
                                                  const submission::Context& context) {
  std::vector<const kube::ResourceType*> types;
  const json* conf = base::find(object, {"spec", "sparkConf"});
  // OnDemand claims come with every attempt.
  const bool claims = conf != nullptr && conf->is_object() &&
                      std::any_of(conf->items().begin(), conf->items().end(), [](const auto& item) {
                        return item.key().find(".persistentVolumeClaim.") != std::string::npos;
                      });
  if (claims) types.push_back(&kube::persistent_volume_claims());
  if (context.pods == submission::PodsRunAs::Processes) return types;
  if (submission::makes_network_policy(object, context)) types.push_back(&rare().network_policies);
  const json* budget = base::find(object, {"spec", "driverPodDisruptionBudget"});
  if (budget != nullptr && *budget == json(true)) types.push_back(&rare().budgets);
  const bool shown = base::find(object, {"spec", "driverIngressOptions"}) != nullptr ||
                     (base::find(object, {"spec", "sparkUIOptions"}) != nullptr &&
                      !context.exposure.ui_url_format.empty());
  if (shown)
    types.push_back(context.exposure.gateway.empty() ? &rare().ingresses : &rare().http_routes);
  const std::string scheduler = string_at(object, {"spec", "batchScheduler"});
  if (scheduler == "volcano") {
    types.push_back(&rare().volcano);
  } else if (!scheduler.empty() && scheduler != "yunikorn") {
    types.push_back(&rare().coscheduling);
  }
  return types;
}

std::vector<const kube::ResourceType*> all_rare_kinds(const submission::Context& context) {
  if (context.pods == submission::PodsRunAs::Processes) return {&kube::persistent_volume_claims()};
  const RareTypes& types = rare();
  return {&kube::persistent_volume_claims(),
          &types.network_policies,
          &types.ingresses,
          &types.http_routes,
          &types.budgets,
          &types.volcano,
          &types.coscheduling};
}

}  // namespace runner::applications
