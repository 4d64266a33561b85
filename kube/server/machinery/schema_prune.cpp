#include <algorithm>

#include "kube/server/machinery/schema_node.h"

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxUnknown = 100;  // as many as are named; all are removed

void prune_object(nlohmann::json& value, const SchemaNode& node, const FieldPath& path,
                  std::vector<std::string>& unknown) {
  for (auto member = value.begin(); member != value.end();) {
    const SchemaNode* known = node.member(member.key());
    const FieldPath at = path.child(member.key());
    if (known != nullptr) {
      prune_node(member.value(), *known, at, unknown);
    } else if (!node.preserves_unknown && !node.any_additional) {
      if (unknown.size() < kMaxUnknown) unknown.push_back(at.to_string());
      member = value.erase(member);
      continue;
    }
    ++member;
  }
}

// A null that says nothing: the schema neither allows it nor fills in a default for it.
bool is_empty_null(const nlohmann::json& value, const SchemaNode* node) {
  return value.is_null() && node != nullptr && !node->nullable && !node->default_value;
}

bool lacks(const nlohmann::json& value, const SchemaNode& node) {
  return value.is_null() && !node.nullable && node.default_value.has_value();
}

bool fill(nlohmann::json& value, const SchemaNode& node, size_t& room) {
  if (node.default_size > room) return false;
  room -= node.default_size;
  value = *node.default_value;
  return true;
}

}  // namespace

void prune_node(nlohmann::json& value, const SchemaNode& node, const FieldPath& path,
                std::vector<std::string>& unknown) {
  if (value.is_object()) {
    // A scalar's place holds an object: validation says so, nothing is to be pruned.
    if (node.type == SchemaNode::Type::Object || node.type == SchemaNode::Type::Any) {
      prune_object(value, node, path, unknown);
    }
  } else if (value.is_array() && node.items != nullptr) {
    for (size_t i = 0; i < value.size(); ++i) {
      prune_node(value[i], *node.items, path.index(i), unknown);
    }
  }
}

void drop_nulls(nlohmann::json& value, const SchemaNode& node) {
  if (value.is_array()) {
    if (node.items == nullptr) return;
    for (nlohmann::json& item : value)
      drop_nulls(item, *node.items);
    return;
  }
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end();) {
    const SchemaNode* known = node.member(member.key());
    if (is_empty_null(*member, known)) {
      member = value.erase(member);
      continue;
    }
    if (known != nullptr) drop_nulls(*member, *known);
    ++member;
  }
}

namespace {

bool is_map(const SchemaNode& node) {
  return node.type == SchemaNode::Type::Object && node.additional != nullptr;
}

// A built-in kind says nothing by null, and most say nothing by an empty list or an empty map; a
// text of a map that is null is an empty one.
void drop_empty(nlohmann::json& value, const SchemaNode& node, Empties empties) {
  for (auto member = value.begin(); member != value.end();) {
    const SchemaNode* known = node.member(member.key());
    if (known != nullptr && is_map(node) && known->type == SchemaNode::Type::String &&
        member->is_null()) {
      *member = "";
    }
    const bool required =
        std::find(node.required.begin(), node.required.end(), member.key()) != node.required.end();
    const bool empty =
        member->is_null() ||
        (empties == Empties::Drop && !required && !is_map(node) && member->empty() &&
         (member->is_array() || (member->is_object() && known != nullptr && is_map(*known))));
    member = empty ? value.erase(member) : std::next(member);
  }
}

}  // namespace

bool default_node(nlohmann::json& value, const SchemaNode& node, size_t& room, Empties empties) {
  if (value.is_array()) {
    if (node.items == nullptr) return true;
    for (nlohmann::json& item : value) {
      if (lacks(item, *node.items) && !fill(item, *node.items, room)) return false;
      if (!default_node(item, *node.items, room, empties)) return false;
    }
    return true;
  }
  if (!value.is_object()) return true;
  if (node.drops_empty) drop_empty(value, node, empties);
  for (const auto& [name, member] : node.properties) {
    if (!member.default_value) continue;
    const auto at = value.find(name);
    if (at != value.end() && !lacks(*at, member)) continue;
    if (!fill(value[name], member, room)) return false;
  }
  for (auto member = value.begin(); member != value.end(); ++member) {
    const SchemaNode* known = node.member(member.key());
    if (known == nullptr) continue;
    if (lacks(member.value(), *known) && !fill(member.value(), *known, room)) return false;
    if (!default_node(member.value(), *known, room, empties)) return false;
  }
  return true;
}

}  // namespace kube::server::machinery
