#include "kube/server/types/built_ins.h"

#include <nlohmann/json.hpp>

#include "kube/server/machinery/selector.h"
#include "kube/server/types/absent_kinds.h"
#include "kube/server/types/core_rules.h"
#include "kube/server/types/definition.h"
#include "kube/server/types/inert_kinds.h"
#include "kube/server/types/pod_rules.h"

namespace kube::server::types {
namespace {

constexpr const char* kAuthorization = "authorization.k8s.io";

struct Description {
  kube::ResourceType type;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  Rules rules;
  bool can_be_stored = true;
  std::string warning;
  std::string refusal;
  bool keeps_empty = false;
};

ResourcePtr make(Description description) {
  auto resource = std::make_shared<Resource>();
  const kube::ResourceType& type = description.type;
  resource->type = type;
  // Both groups of events are views of one store.
  resource->storage =
      type.plural == "events" || type.group.empty() ? type.plural : type.plural + "." + type.group;
  resource->storage_api_version =
      type.plural == "events" ? kube::core_events().api_version() : type.api_version();
  resource->singular = std::move(description.singular);
  resource->list_kind = type.kind + "List";
  resource->short_names = std::move(description.short_names);
  resource->categories = std::move(description.categories);
  resource->can_be_stored = description.can_be_stored;
  resource->rules = description.rules;
  resource->warning = std::move(description.warning);
  resource->refusal = std::move(description.refusal);
  resource->keeps_empty = description.keeps_empty;
  resource->schema = machinery::StructuralSchema::of_built_in(type);
  resource->columns = machinery::TableColumns::of_built_in(type);
  resource->selectable_fields = machinery::selectable_fields(type);
  return resource;
}

const kube::ResourceType& service_accounts() {
  static const kube::ResourceType type{"", "v1", "serviceaccounts", "ServiceAccount"};
  return type;
}

kube::ResourceType review(const char* group, const char* plural, const char* kind) {
  return {.group = group, .version = "v1", .plural = plural, .kind = kind, .namespaced = false};
}

}  // namespace

std::vector<ResourcePtr> built_ins() {
  std::vector<ResourcePtr> all = {
      make({kube::namespaces(), "namespace", {"ns"}, {}, namespace_rules()}),
      make({kube::nodes(), "node", {"no"}, {}, node_rules()}),
      make({kube::pods(), "pod", {"po"}, {"all"}, pod_rules()}),
      make({kube::services(), "service", {"svc"}, {"all"}, service_rules()}),
      make({kube::config_maps(), "configmap", {"cm"}, {}, config_map_rules()}),
      make({kube::secrets(), "secret", {}, {}, secret_rules()}),
      make({kube::core_events(), "event", {"ev"}, {}, event_rules()}),
      make({kube::events(), "event", {"ev"}, {}, event_rules()}),
      make({service_accounts(), "serviceaccount", {"sa"}, {}, service_account_rules()}),
      make({kube::persistent_volume_claims(),
            "persistentvolumeclaim",
            {"pvc"},
            {},
            persistent_volume_claim_rules()}),
      make({kube::leases(), "lease", {}, {}, lease_rules()}),
      make({kube::custom_resource_definitions(),
            "customresourcedefinition",
            {"crd", "crds"},
            {"api-extensions"},
            definition_rules()}),
      make({review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
            "selfsubjectreview",
            {},
            {},
            {},
            false}),
      make({review(kAuthorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
            "selfsubjectaccessreview",
            {},
            {},
            {},
            false}),
      make({review(kAuthorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
            "selfsubjectrulesreview",
            {},
            {},
            {},
            false}),
  };
  for (const InertKind& kind : inert_kinds()) {
    all.push_back(make({.type = kind.type,
                        .singular = kind.singular,
                        .short_names = kind.short_names,
                        .rules = {.name = kind.name,
                                  .status_subresource = kind.status,
                                  .generation = kind.generation},
                        .warning = warning_of(kind),
                        .keeps_empty = true}));
  }
  for (const AbsentKind& kind : absent_kinds()) {
    all.push_back(make({.type = kind.type,
                        .singular = kind.singular,
                        .short_names = kind.short_names,
                        .categories = kind.categories,
                        .refusal = kind.refusal}));
  }
  return all;
}

}  // namespace kube::server::types
