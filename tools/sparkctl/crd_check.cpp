#include "tools/sparkctl/crd_check.h"

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "config/crd.h"
#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/name_syntax.h"
#include "kube/server/machinery/structural_schema.h"

namespace sparkctl {
namespace {

using base::Code;
using kube::server::machinery::check_label_value;
using kube::server::machinery::check_name;
using kube::server::machinery::check_qualified_name;
using kube::server::machinery::FieldError;
using kube::server::machinery::NameRule;
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

// What people get wrong there, in the order in which a server tells it.
std::vector<FieldError> metadata_errors(const json& metadata) {
  std::vector<FieldError> errors;
  const auto add = [&](const char* path, const std::string& value,
                       std::vector<std::string> problems) {
    for (std::string& problem : problems)
      errors.push_back(FieldError::invalid(path, value, std::move(problem)));
  };
  const std::string name = base::string_at(metadata, {"name"});
  if (!name.empty()) add("metadata.name", name, check_name(name, NameRule::Subdomain));
  const std::string ns = base::string_at(metadata, {"namespace"});
  if (!ns.empty()) add("metadata.namespace", ns, check_name(ns, NameRule::Label));
  const json* labels = base::find(metadata, {"labels"});
  if (labels == nullptr || !labels->is_object()) return errors;
  for (const auto& [key, value] : labels->items()) {
    add("metadata.labels", key, check_qualified_name(key));
    if (!value.is_string()) continue;  // the schema says so
    const auto& text = value.get_ref<const std::string&>();
    add("metadata.labels", text, check_label_value(text));
  }
  return errors;
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
  const json* metadata = base::find(object, {"metadata"});
  for (const FieldError& error : metadata_errors(metadata == nullptr ? json::object() : *metadata))
    add(error.message());
  for (const FieldError& error : schema->validate(object))
    add(error.message());
  if (problems.empty()) return {};
  return base::failure(Code::InvalidArgument, problems);
}

}  // namespace sparkctl
