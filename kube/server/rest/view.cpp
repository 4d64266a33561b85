#include "kube/server/rest/view.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/objects/objects.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;

json metadata_only(const json& object, const std::string& meta_version) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/" + meta_version},
          {"metadata", object.at("metadata")}};
}

json table(const View& view, const std::vector<json>& objects, const json& metadata,
           std::chrono::sys_seconds now, machinery::TableColumns::Definitions definitions) {
  std::vector<const json*> rows;
  rows.reserve(objects.size());
  for (const json& object : objects)
    rows.push_back(&object);
  json result = view.resource->columns->table(rows, metadata, view.include, now, definitions);
  result["apiVersion"] = "meta.k8s.io/" + view.representation.meta_version;
  return result;
}

}  // namespace

std::string View::form() const {
  std::string name = resource->type.api_version();
  name += representation.form == Form::Json    ? " j"
          : representation.form == Form::Table ? " t"
                                               : " m";
  if (representation.form != Form::Json) name += representation.meta_version;
  if (representation.form == Form::Table) name += std::to_string(static_cast<int>(include));
  return name;
}

std::string View::object(const storage::Object& object, std::chrono::sys_seconds now,
                         machinery::TableColumns::Definitions definitions) const {
  if (representation.form == Form::Json && resource->stored_as_served()) return object.text;
  std::vector<json> one;
  one.push_back(objects::Objects::served(*resource, object));
  if (representation.form == Form::Json) return base::dump_json(one[0]);
  if (representation.form == Form::Metadata) {
    return base::dump_json(metadata_only(one[0], representation.meta_version));
  }
  const json metadata = {
      {"resourceVersion", base::string_at(one[0], {"metadata", "resourceVersion"})}};
  return base::dump_json(table(*this, one, metadata, now, definitions));
}

std::string View::list(const std::vector<storage::ObjectPtr>& objects, const json& metadata,
                       std::chrono::sys_seconds now) const {
  if (representation.form == Form::Table) {
    std::vector<json> parsed;
    parsed.reserve(objects.size());
    for (const auto& object : objects)
      parsed.push_back(objects::Objects::served(*resource, *object));
    return base::dump_json(
        table(*this, parsed, metadata, now, machinery::TableColumns::Definitions::Include));
  }
  const bool whole = representation.form == Form::Json;
  std::string text =
      R"({"kind":")" + (whole ? resource->list_kind : "PartialObjectMetadataList") +
      R"(","apiVersion":")" +
      (whole ? resource->type.api_version() : "meta.k8s.io/" + representation.meta_version) +
      R"(","metadata":)" + base::dump_json(metadata) + R"(,"items":[)";
  size_t size = text.size() + 3;
  for (const auto& object : objects)
    size += object->text.size() + 1;
  text.reserve(size);
  bool first = true;
  for (const auto& object : objects) {
    if (!first) text += ',';
    first = false;
    text += this->object(*object, now);
  }
  return text + "]}\n";
}

}  // namespace kube::server::rest
