#include "runner/name_holder.h"

#include <optional>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"

namespace runner {
namespace {

std::optional<kube::ResourceType> type_of(const kube::OwnerReference& owner) {
  for (const kube::ResourceType* type :
       {&config::spark_applications(), &config::scheduled_spark_applications(), &kube::pods(),
        &kube::config_maps(), &kube::services()}) {
    if (type->kind == owner.kind && type->api_version() == owner.api_version) return *type;
  }
  return std::nullopt;
}

}  // namespace

base::Result<NameHolder> holder_of(kube::Api& api, const nlohmann::json& object,
                                   const std::string& uid) {
  using Kind = NameHolder::Kind;
  if (kube::is_owned_by(object, uid)) return NameHolder{.kind = Kind::Ours, .owner = {}};
  if (kube::is_deleting(object)) return NameHolder{.kind = Kind::Leaving, .owner = {}};
  const std::vector<kube::OwnerReference> owners = kube::owners_of(object);
  if (owners.empty()) return NameHolder{.kind = Kind::Alive, .owner = "nobody"};
  bool leaving = false;
  for (const kube::OwnerReference& owner : owners) {
    const std::string name = owner.kind + " " + owner.name;
    const auto type = type_of(owner);
    if (!type) return NameHolder{.kind = Kind::Alive, .owner = name};
    const auto found = api.get(*type, {kube::key_of(object).ns, owner.name});
    if (!found && found.error().code != base::Code::NotFound) return base::failure(found.error());
    if (!found || kube::uid_of(*found) != owner.uid) continue;
    if (!kube::is_deleting(*found)) return NameHolder{.kind = Kind::Alive, .owner = name};
    leaving = true;
  }
  return NameHolder{.kind = leaving ? Kind::Leaving : Kind::LeftOver, .owner = {}};
}

}  // namespace runner
