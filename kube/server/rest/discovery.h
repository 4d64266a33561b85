#pragma once

// Discovery: what the server serves, in the aggregated form (one document, v2 and v2beta1) and in
// the old one (a document per group and version). Pure functions of the catalog.
//
// Threads: pure functions.

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/types/catalog.h"

namespace kube::server::rest {

enum class Api { Core, Groups };  // /api or /apis

// APIGroupDiscoveryList; `version` is v2 or v2beta1.
nlohmann::json aggregated_discovery(const types::Catalog& catalog, Api api,
                                    const std::string& version);
// /api: APIVersions; /apis: APIGroupList.
nlohmann::json legacy_root(const types::Catalog& catalog, Api api);
// /apis/G: APIGroup. nullopt when nothing of the group is served.
std::optional<nlohmann::json> legacy_group(const types::Catalog& catalog, const std::string& group);
// /api/v1, /apis/G/V: APIResourceList.
std::optional<nlohmann::json> legacy_resources(const types::Catalog& catalog,
                                               const std::string& group,
                                               const std::string& version);
nlohmann::json version_info();

}  // namespace kube::server::rest
