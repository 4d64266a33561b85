#include "tools/sparkctl/crd_check.h"

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "config/crd.h"
#include "kube/server/machinery/structural_schema.h"

namespace sparkctl {
namespace {

using base::Code;
using kube::server::machinery::StructuralSchema;
using nlohmann::json;

// As the embedded server bounds an object.
constexpr size_t kRoomForDefaults = size_t{3} << 19;

base::Result<std::shared_ptr<const StructuralSchema>> schema_of(const std::string& kind) {
  for (const std::string_view text : config::crd_manifests()) {
    ASSIGN_OR_RETURN(const json definition, base::yaml::parse(text));
    if (base::string_at(definition, {"spec", "names", "kind"}) != kind) continue;
    auto compiled = StructuralSchema::compile(
        definition.at("/spec/versions/0/schema/openAPIV3Schema"_json_pointer), {});
    if (!compiled)
      return base::failure(Code::Internal, "the CRD of " + kind + " is no structural schema");
    return *compiled;
  }
  return base::failure(Code::NotFound, "no CRD describes a " + kind);
}

}  // namespace

base::Status accept_as_server(json& object) {
  ASSIGN_OR_RETURN(const auto schema, schema_of(base::string_at(object, {"kind"})));
  std::string problems;
  const auto add = [&](const std::string& problem) {
    problems += (problems.empty() ? "" : "; ") + problem;
  };
  for (const std::string& path : schema->prune(object))
    add("unknown field \"" + path + "\"");
  if (!schema->apply_defaults(object, kRoomForDefaults)) add("the object is too large");
  for (const auto& error : schema->validate(object))
    add(error.message());
  if (problems.empty()) return {};
  return base::failure(Code::InvalidArgument, problems);
}

}  // namespace sparkctl
