#include "base/json.h"
#include "base/json_size.h"
#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/machinery/schema_node.h"
#include "kube/server/machinery/structural_schema.h"

namespace kube::server::machinery {
namespace {

// A schema nests properties and items, so twice the depth of the objects that it describes.
constexpr size_t kMaxSchemaDepth = 60;
constexpr int64_t kMaxPatternMemory = int64_t{1} << 20;
constexpr size_t kMaxDefaulted = size_t{1} << 20;  // what defaults may add to one default

SchemaNode::Type type_of(const std::string& name) {
  if (name == "object") return SchemaNode::Type::Object;
  if (name == "array") return SchemaNode::Type::Array;
  if (name == "string") return SchemaNode::Type::String;
  if (name == "integer") return SchemaNode::Type::Integer;
  if (name == "number") return SchemaNode::Type::Number;
  if (name == "boolean") return SchemaNode::Type::Boolean;
  return SchemaNode::Type::Any;
}

bool flag(const Json& schema, const char* name) {
  return base::bool_at(schema, {name}).value_or(false);
}

std::optional<double> number(const Json& schema, const char* name) {
  const Json* value = base::find(schema, {name});
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<size_t> count(const Json& schema, const char* name) {
  const auto value = base::integer_at(schema, {name});
  if (!value || *value < 0) return std::nullopt;
  return static_cast<size_t>(*value);
}

const Json* member(const Json& schema, const char* name, Json::value_t type) {
  const Json* value = base::find(schema, {name});
  return value != nullptr && value->type() == type ? value : nullptr;
}

void read_pattern(const Json& schema, const FieldPath& path, SchemaNode& node,
                  std::vector<FieldError>& errors) {
  const std::string text = base::string_at(schema, {"pattern"});
  if (text.empty()) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  auto pattern = std::make_shared<const re2::RE2>(text, options);
  if (!pattern->ok()) {
    errors.push_back(
        FieldError::invalid(path.child("pattern").to_string(), text,
                            "must be a valid regular expression, but isn't: " + pattern->error()));
    return;
  }
  node.pattern = std::move(pattern);
}

void read_bounds(const Json& schema, SchemaNode& node) {
  node.minimum = number(schema, "minimum");
  node.maximum = number(schema, "maximum");
  node.exclusive_minimum = flag(schema, "exclusiveMinimum");
  node.exclusive_maximum = flag(schema, "exclusiveMaximum");
  node.multiple_of = number(schema, "multipleOf");
  node.min_length = count(schema, "minLength");
  node.max_length = count(schema, "maxLength");
  node.min_items = count(schema, "minItems");
  node.max_items = count(schema, "maxItems");
  node.min_properties = count(schema, "minProperties");
  node.max_properties = count(schema, "maxProperties");
  node.format = base::string_at(schema, {"format"});
  if (const Json* values = member(schema, "enum", Json::value_t::array)) {
    node.enumeration.assign(values->begin(), values->end());
  }
}

void read_list(const Json& schema, SchemaNode& node) {
  const std::string list = base::string_at(schema, {"x-kubernetes-list-type"});
  if (list == "set") node.list_type = SchemaNode::ListType::Set;
  if (list != "map") return;
  node.list_type = SchemaNode::ListType::Map;
  if (const Json* keys = member(schema, "x-kubernetes-list-map-keys", Json::value_t::array)) {
    for (const Json& key : *keys) {
      if (key.is_string()) node.list_keys.push_back(key.get<std::string>());
    }
  }
}

void read_children(const Json& schema, const FieldPath& path, Origin origin, SchemaNode& node,
                   std::vector<FieldError>& errors) {
  if (const Json* properties = member(schema, "properties", Json::value_t::object)) {
    const FieldPath at = path.child("properties");
    for (const auto& [name, child] : properties->items()) {
      node.properties.emplace(name, compile_node(child, at.key(name), origin, errors));
    }
  }
  if (const Json* required = member(schema, "required", Json::value_t::array)) {
    for (const Json& name : *required) {
      if (name.is_string()) node.required.push_back(name.get<std::string>());
    }
  }
  if (const Json* values = base::find(schema, {"additionalProperties"})) {
    node.any_additional = values->is_boolean() && values->get<bool>();
    if (values->is_object()) {
      node.additional = std::make_unique<SchemaNode>(
          compile_node(*values, path.child("additionalProperties"), origin, errors));
    }
  }
  if (const Json* items = member(schema, "items", Json::value_t::object)) {
    node.items =
        std::make_unique<SchemaNode>(compile_node(*items, path.child("items"), origin, errors));
  }
}

void read_junctors(const Json& schema, const FieldPath& path, Origin origin, SchemaNode& node,
                   std::vector<FieldError>& errors) {
  const auto read = [&](const char* name, std::vector<SchemaNode>& nodes) {
    const Json* parts = member(schema, name, Json::value_t::array);
    if (parts == nullptr) return;
    const FieldPath at = path.child(name);
    for (size_t i = 0; i < parts->size(); ++i) {
      nodes.push_back(compile_node((*parts)[i], at.index(i), origin, errors));
      // null is settled by the node around.
      nodes.back().nullable = true;
    }
  };
  read("allOf", node.all_of);
  read("anyOf", node.any_of);
  read("oneOf", node.one_of);
  if (const Json* negated = member(schema, "not", Json::value_t::object)) {
    node.negated =
        std::make_unique<SchemaNode>(compile_node(*negated, path.child("not"), origin, errors));
  }
}

bool holds_quantities(const SchemaNode& node) {
  return node.is_quantity || (node.additional && node.additional->holds_quantities) ||
         (node.items && node.items->holds_quantities) ||
         std::any_of(node.properties.begin(), node.properties.end(),
                     [](const auto& member) { return member.second.holds_quantities; });
}

// A default has to be a value that the schema accepts and keeps.
void check_default(const SchemaNode& node, const FieldPath& path, std::vector<FieldError>& errors) {
  if (!node.default_value) return;
  const FieldPath at = path.child("default");
  Json value = *node.default_value;
  std::vector<std::string> unknown;
  prune_node(value, node, at, unknown);
  if (!unknown.empty()) {
    errors.push_back(
        FieldError::invalid(at.to_string(), *node.default_value, "must not have unknown fields"));
  }
  size_t room = kMaxDefaulted;
  if (!default_node(value, node, room, Empties::Drop)) {
    errors.push_back(FieldError::invalid_omitted(
        at.to_string(), "must not grow by more than " + std::to_string(kMaxDefaulted) +
                            " bytes by the defaults of its own fields"));
    return;
  }
  validate_node(value, nullptr, node, at, errors);
}

}  // namespace

SchemaNode compile_node(const Json& schema, const FieldPath& path, Origin origin,
                        std::vector<FieldError>& errors) {
  SchemaNode node;
  node.type_name = base::string_at(schema, {"type"});
  node.type = type_of(node.type_name);
  node.nullable = origin == Origin::BuiltIn || flag(schema, "nullable");
  node.drops_empty = origin == Origin::BuiltIn;
  node.int_or_string = flag(schema, "x-kubernetes-int-or-string");
  node.preserves_unknown = flag(schema, "x-kubernetes-preserve-unknown-fields");
  node.embedded_resource = flag(schema, "x-kubernetes-embedded-resource");
  read_pattern(schema, path, node, errors);
  read_bounds(schema, node);
  read_list(schema, node);
  node.unique_items = origin == Origin::Custom && node.list_type != SchemaNode::ListType::Atomic;
  read_children(schema, path, origin, node, errors);
  read_junctors(schema, path, origin, node, errors);
  if (node.embedded_resource) add_resource_fields(node);
  node.is_quantity = origin == Origin::BuiltIn && node.format == kQuantityFormat;
  node.holds_quantities = holds_quantities(node);
  if (const Json* value = base::find(schema, {"default"})) {
    node.default_value = *value;
    node.default_size = base::json_size(*value);
  }
  if (origin == Origin::Custom) check_default(node, path, errors);
  return node;
}

void add_resource_fields(SchemaNode& node) {
  static const Json metadata =
      built_in_schema(*find_built_in_type("ObjectMeta"), References::Expand);
  std::vector<FieldError> none;
  for (const char* name : {"apiVersion", "kind"}) {
    if (node.properties.count(name) == 0) {
      node.properties.emplace(name, compile_node({{"type", "string"}}, {}, Origin::BuiltIn, none));
    }
  }
  // What the CRD says of metadata (a pattern for name, at most) holds beside the real thing.
  SchemaNode full = compile_node(metadata, {}, Origin::BuiltIn, none);
  if (const auto own = node.properties.find("metadata"); own != node.properties.end()) {
    for (auto& [name, rule] : own->second.properties) {
      full.properties[name].all_of.push_back(std::move(rule));
    }
    node.properties.erase(own);
  }
  node.properties.emplace("metadata", std::move(full));
}

StructuralSchema::StructuralSchema() = default;
StructuralSchema::~StructuralSchema() = default;

tl::expected<std::shared_ptr<const StructuralSchema>, std::vector<FieldError>>
StructuralSchema::compile(const Json& schema, const FieldPath& path) {
  std::vector<FieldError> errors;
  if (base::json_depth(schema, 2 * kMaxSchemaDepth) > kMaxSchemaDepth) {
    errors.push_back(FieldError::invalid_omitted(
        path.to_string(),
        "must not be nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels"));
    return tl::unexpected(std::move(errors));
  }
  check_structural(schema, path, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  SchemaNode root = compile_node(schema, path, Origin::Custom, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  add_resource_fields(root);
  std::shared_ptr<StructuralSchema> result(new StructuralSchema);
  result->root_ = std::make_unique<const SchemaNode>(std::move(root));
  const FieldType& type = add_field_type(schema, result->types_);
  result->types_.root = &type;
  result->types_.set_metadata(object_meta_type());
  return result;
}

std::shared_ptr<const StructuralSchema> StructuralSchema::of_built_in(const ResourceType& type) {
  static const auto all = [] {
    std::map<std::string, std::shared_ptr<const StructuralSchema>> built;
    for (const ResourceType& resource : built_in_resources()) {
      const std::string name = built_in_type_name(resource);
      const Json schema = built_in_schema(*find_built_in_type(name), References::Expand);
      std::vector<FieldError> none;
      SchemaNode root = compile_node(schema, {}, Origin::BuiltIn, none);
      for (const char* field : {"apiVersion", "kind"}) {
        root.properties.emplace(field,
                                compile_node({{"type", "string"}}, {}, Origin::BuiltIn, none));
      }
      std::shared_ptr<StructuralSchema> one(new StructuralSchema);
      one->root_ = std::make_unique<const SchemaNode>(std::move(root));
      one->types_.root = &add_field_type(schema, one->types_);
      built.emplace(name, std::move(one));
    }
    return built;
  }();
  const auto at = all.find(built_in_type_name(type));
  return at == all.end() ? nullptr : at->second;
}

std::vector<std::string> StructuralSchema::prune(Json& object) const {
  std::vector<std::string> unknown;
  prune_node(object, *root_, {}, unknown);
  drop_nulls(object, *root_);
  return unknown;
}

bool StructuralSchema::apply_defaults(Json& object, size_t room, Empties empties) const {
  if (!default_node(object, *root_, room, empties)) return false;
  const SchemaNode* metadata = root_->member("metadata");
  const auto at = empties == Empties::Keep ? object.find("metadata") : object.end();
  return at == object.end() || metadata == nullptr ||
         default_node(*at, *metadata, room, Empties::Drop);
}

std::vector<FieldError> StructuralSchema::validate(const Json& object) const {
  std::vector<FieldError> errors;
  validate_node(object, nullptr, *root_, {}, errors);
  return errors;
}

std::vector<FieldError> StructuralSchema::validate_update(const Json& object,
                                                          const Json& live) const {
  std::vector<FieldError> errors;
  validate_node(object, &live, *root_, {}, errors);
  return errors;
}

const FieldType& StructuralSchema::field_type() const {
  return *types_.root;
}

}  // namespace kube::server::machinery
