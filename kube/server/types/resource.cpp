#include "kube/server/types/resource.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/object.h"
#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/types/event_forms.h"

namespace kube::server::types {
namespace {

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null() || value.is_structured()) return "";
  return value.dump();
}

std::string value_at_path(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (true) {
    const size_t dot = path.find('.');
    if (!at->is_object()) return "";
    const auto member = at->find(path.substr(0, dot));
    if (member == at->end()) return "";
    if (dot == std::string_view::npos) return text_of(*member);
    at = &*member;
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

const machinery::FieldType& Resource::field_type() const {
  if (schema) return schema->field_type();
  const machinery::FieldType* built_in = machinery::built_in_field_type(type);
  return built_in ? *built_in : machinery::deduced_type();
}

void Resource::to_served(Json& object) const {
  if (stored_as_served()) return;
  if (storage == "events") object = to_new_event(std::move(object));
  object["apiVersion"] = type.api_version();
}

void Resource::to_stored(Json& object) const {
  if (stored_as_served()) return;
  if (storage == "events") object = to_core_event(std::move(object));
  object["apiVersion"] = storage_api_version;
}

storage::IndexedFields indexed_fields(const Json& object,
                                      const std::vector<std::string>& selectable_fields) {
  storage::IndexedFields indexed;
  indexed.uid = kube::uid_of(object);
  indexed.deleting = kube::is_deleting(object);
  if (const Json* labels = base::find(object, {"metadata", "labels"});
      labels && labels->is_object()) {
    for (const auto& [key, value] : labels->items())
      indexed.labels.emplace_back(key, text_of(value));
  }
  for (kube::OwnerReference& owner : kube::owners_of(object))
    indexed.owners.push_back(
        {.uid = std::move(owner.uid), .blocks_deletion = owner.blocks_deletion});
  indexed.finalizers = kube::finalizers_of(object);
  for (const std::string& field : selectable_fields) {
    if (field.starts_with("metadata.")) continue;  // the key has them
    if (std::string value = value_at_path(object, field); !value.empty()) {
      indexed.fields.emplace_back(field, std::move(value));
    }
  }
  return indexed;
}

}  // namespace kube::server::types
