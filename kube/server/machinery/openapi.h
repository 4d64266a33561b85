#pragma once

// OpenAPI v3: the index (/openapi/v3) and one document per group and version, for built-in kinds
// and CRDs alike: what kubectl explain, create, apply and diff look at. Only v3 is served;
// /openapi/v2 is 404 and kubectl does without.
//
// Paths carry the query parameters that kubectl looks for (fieldValidation, dryRun, fieldManager,
// force on PATCH). Threads: pure functions.

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

// A kind to be described. schema: the CRD's openAPIV3Schema; null for built-in kinds.
struct OpenApiKind {
  ResourceType type;
  std::shared_ptr<const Json> schema;
  bool status_subresource = false;
};

// {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=…"}, …}}.
Json openapi_index(const std::vector<OpenApiKind>& kinds);
// The document of one group and version ("" for core); only kinds of it are described.
Json openapi_document(const std::string& group, const std::string& version,
                      const std::vector<OpenApiKind>& kinds);

}  // namespace kube::server::machinery
