#include "kube/server/machinery/field_type.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/machinery/structural_schema.h"

namespace kube::server::machinery {
namespace {

void read_list(const Json& schema, FieldType& type) {
  const std::string list = base::string_at(schema, {"x-kubernetes-list-type"});
  if (list == "set") type.list = FieldType::List::Set;
  const Json* keys = base::find(schema, {"x-kubernetes-list-map-keys"});
  if (list != "map" || keys == nullptr || !keys->is_array()) return;
  type.list = FieldType::List::Map;
  for (const Json& key : *keys) {
    if (!key.is_string()) continue;
    const std::string& name = key.get_ref<const std::string&>();
    type.list_keys.push_back(name);
    if (const Json* value = base::find(schema, {"items", "properties", name, "default"})) {
      type.key_defaults[name] = base::dump_json(*value);
    }
  }
}

void read_patch_strategy(const Json& schema, FieldType& type) {
  const std::string strategy = base::string_at(schema, {"x-kubernetes-patch-strategy"});
  type.merges_list = strategy.find("merge") != std::string::npos;
  type.retains_keys = strategy.find("retainKeys") != std::string::npos;
  type.merge_key = base::string_at(schema, {"x-kubernetes-patch-merge-key"});
}

}  // namespace

const FieldType& FieldType::member(std::string_view name) const {
  const auto at = members.find(name);
  if (at != members.end()) return *at->second;
  return values != nullptr ? *values : deduced_type();
}

const FieldType& FieldType::item() const {
  return items != nullptr ? *items : deduced_type();
}

const FieldType& deduced_type() {
  static const FieldType type;
  return type;
}

const FieldType& object_meta_type() {
  static const FieldTypes types = [] {
    FieldTypes built;
    built.root = &add_field_type(
        built_in_schema(*find_built_in_type("ObjectMeta"), References::Expand), built);
    return built;
  }();
  return *types.root;
}

const FieldType& add_field_type(const Json& schema, FieldTypes& types) {
  FieldType& type = types.add();
  read_list(schema, type);
  read_patch_strategy(schema, type);
  if (base::string_at(schema, {"x-kubernetes-map-type"}) == "atomic") {
    type.map = FieldType::Map::Atomic;
  }
  if (const Json* properties = base::find(schema, {"properties"});
      properties != nullptr && properties->is_object()) {
    for (const auto& [name, member] : properties->items()) {
      type.members[name] = &add_field_type(member, types);
    }
  }
  if (base::bool_at(schema, {"x-kubernetes-embedded-resource"}).value_or(false)) {
    type.members["metadata"] = &object_meta_type();
  }
  if (const Json* items = base::find(schema, {"items"}); items != nullptr && items->is_object()) {
    type.items = &add_field_type(*items, types);
  }
  if (const Json* values = base::find(schema, {"additionalProperties"});
      values != nullptr && values->is_object()) {
    type.values = &add_field_type(*values, types);
  }
  return type;
}

const FieldType* built_in_field_type(const ResourceType& type) {
  const auto schema = StructuralSchema::of_built_in(type);
  return schema == nullptr ? nullptr : &schema->field_type();
}

}  // namespace kube::server::machinery
