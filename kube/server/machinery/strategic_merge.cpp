#include "kube/server/machinery/strategic_merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"

namespace kube::server::machinery {
namespace {

constexpr const char* kDirective = "$patch";
constexpr const char* kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";
constexpr std::string_view kSetOrder = "$setElementOrder/";

using Problem = std::optional<std::string>;

Problem merge_maps(Json& target, const Json& patch, const FieldType& type);

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// What tells one item from another: the merge key's value, or the item itself.
std::optional<std::string> identity(const Json& item, const std::string& merge_key) {
  if (merge_key.empty()) return base::dump_json(item);
  const Json* key = base::find(item, {merge_key});
  if (key == nullptr) return std::nullopt;
  return base::dump_json(*key);
}

using Positions = std::map<std::string, size_t>;

Positions positions_of(const Json& list, const std::string& merge_key) {
  Positions positions;
  for (size_t i = 0; i < list.size(); ++i) {
    if (const auto name = identity(list[i], merge_key)) positions.emplace(*name, i);
  }
  return positions;
}

// Puts the items that `order` names into its order, new ones at once; those that only the server
// has stay before the first item that they stood before. A patch is such an order itself, so what
// it adds comes first, as kube-apiserver has it.
void set_order(Json& list, const Json& server, const Json& order, const std::string& merge_key) {
  const Positions wanted = positions_of(order, merge_key);
  const Positions before = positions_of(server, merge_key);
  std::multimap<size_t, Json> named;  // items of one position keep their order
  std::multimap<size_t, Json> others;
  for (Json& item : list) {
    const auto name = identity(item, merge_key);
    const auto at = name ? wanted.find(*name) : wanted.end();
    if (at != wanted.end()) {
      named.emplace(at->second, std::move(item));
    } else {
      const auto old = name ? before.find(*name) : before.end();
      others.emplace(old == before.end() ? server.size() : old->second, std::move(item));
    }
  }
  Json result = Json::array();
  auto other = others.begin();
  for (auto& [position, item] : named) {
    const auto name = identity(item, merge_key);
    const auto old = before.find(*name);
    while (old != before.end() && other != others.end() && other->first < old->second) {
      result.push_back(std::move((other++)->second));
    }
    result.push_back(std::move(item));
  }
  for (; other != others.end(); ++other)
    result.push_back(std::move(other->second));
  list = std::move(result);
}

// The list's items, each reduced to what tells it from the others.
Json keys_of(const Json& list, const std::string& merge_key) {
  Json keys = Json::array();
  for (const Json& item : list) {
    const Json* key = base::find(item, {merge_key});
    keys.push_back(key != nullptr ? Json{{merge_key, *key}} : Json::object());
  }
  return keys;
}

// The patch's own items when one of them says {"$patch": "replace"}.
std::optional<Json> replacement(const Json& patch) {
  bool replaces = false;
  Json items = Json::array();
  for (const Json& item : patch) {
    if (base::string_at(item, {kDirective}) == "replace" && item.size() == 1) {
      replaces = true;
    } else {
      items.push_back(item);
    }
  }
  if (!replaces) return std::nullopt;
  return items;
}

// A value that is new: directives are obeyed and nulls left out, as if merged into nothing.
Problem add_new(Json& list, const Json& item, const FieldType& type) {
  if (!item.is_object()) {
    list.push_back(item);
    return std::nullopt;
  }
  Json fresh = Json::object();
  auto problem = merge_maps(fresh, item, type);
  list.push_back(std::move(fresh));
  return problem;
}

Problem merge_objects(Json& target, const Json& patch, const FieldType& type) {
  if (auto items = replacement(patch)) {
    Json fresh = Json::array();
    for (const Json& item : *items) {
      if (auto problem = add_new(fresh, item, type.item())) return problem;
    }
    target = std::move(fresh);
    return std::nullopt;
  }
  Positions positions = positions_of(target, type.merge_key);
  const Json before = keys_of(target, type.merge_key);
  std::vector<bool> deleted(target.size(), false);
  for (const Json& item : patch) {
    const auto name = item.is_object() ? identity(item, type.merge_key) : std::nullopt;
    if (!name) {
      return "map: " + base::dump_json(item).substr(0, 200) +
             " does not contain declared merge key: " + type.merge_key;
    }
    const std::string directive = base::string_at(item, {kDirective});
    const auto at = positions.find(*name);
    if (directive == "delete") {
      if (at != positions.end()) {
        deleted[at->second] = true;
        positions.erase(at);
      }
    } else if (at == positions.end()) {
      if (auto problem = add_new(target, item, type.item())) return problem;
      positions.emplace(*name, target.size() - 1);
      deleted.push_back(false);
    } else if (auto problem = merge_maps(target[at->second], item, type.item())) {
      return problem;
    }
  }
  Json kept = Json::array();
  for (size_t i = 0; i < target.size(); ++i) {
    if (!deleted[i]) kept.push_back(std::move(target[i]));
  }
  target = std::move(kept);
  set_order(target, before, patch, type.merge_key);
  return std::nullopt;
}

void merge_scalars(Json& target, const Json& patch) {
  const Json before = target;
  Positions positions = positions_of(target, "");
  for (const Json& item : patch) {
    if (positions.emplace(base::dump_json(item), target.size()).second) target.push_back(item);
  }
  set_order(target, before, patch, "");
}

void delete_scalars(Json& target, const Json& gone) {
  if (!target.is_array() || !gone.is_array()) return;
  const Positions names = positions_of(gone, "");
  Json kept = Json::array();
  for (Json& item : target) {
    if (names.count(base::dump_json(item)) == 0) kept.push_back(std::move(item));
  }
  target = std::move(kept);
}

Problem merge_lists(Json& target, const Json& patch, const FieldType& type) {
  if (!target.is_array()) target = Json::array();
  if (!type.merge_key.empty()) return merge_objects(target, patch, type);
  if (type.merges_list) {
    merge_scalars(target, patch);
  } else {
    target = patch;
  }
  return std::nullopt;
}

Problem retain_keys(Json& target, const Json& patch) {
  const auto keys = patch.find(kRetainKeys);
  if (keys == patch.end()) return std::nullopt;
  if (!keys->is_array()) return "invalid patch format of retainKeys: it must be a list of keys";
  std::set<std::string> names;
  for (const Json& key : *keys) {
    if (key.is_string()) names.insert(key.get<std::string>());
  }
  const auto listed = [&](const std::string& name) { return names.count(name) != 0; };
  for (const auto& [name, value] : patch.items()) {
    if (name.rfind("$", 0) != 0 && !value.is_null() && !listed(name)) {
      return "patch contains the key " + base::dump_json(name) +
             " that is not in its $retainKeys list";
    }
  }
  for (auto member = target.begin(); member != target.end();) {
    member = listed(member.key()) ? std::next(member) : target.erase(member);
  }
  return std::nullopt;
}

Problem merge_member(Json& target, const std::string& name, const Json& value,
                     const FieldType& type) {
  if (value.is_null()) {
    target.erase(name);
    return std::nullopt;
  }
  Json& member = target[name];
  if (value.is_object()) {
    if (!member.is_object()) member = Json::object();
    return merge_maps(member, value, type);
  }
  if (value.is_array()) return merge_lists(member, value, type);
  member = value;
  return std::nullopt;
}

// Lists named by $deleteFromPrimitiveList and $setElementOrder; `before` is the list as the server
// had it.
void obey_list_directives(Json& target, const Json& before, const Json& patch,
                          const FieldType& type) {
  static const Json kEmpty = Json::array();
  for (const auto& [name, value] : patch.items()) {
    const bool deletes = starts_with(name, kDeleteFrom);
    if (!deletes && !starts_with(name, kSetOrder)) continue;
    const std::string field = name.substr(name.find('/') + 1);
    const auto member = target.find(field);
    if (member == target.end() || !member->is_array() || !value.is_array()) continue;
    if (deletes) {
      delete_scalars(*member, value);
      continue;
    }
    const Json* server = base::find(before, {field});
    set_order(*member, server != nullptr && server->is_array() ? *server : kEmpty, value,
              type.member(field).merge_key);
  }
}

Problem merge_maps(Json& target, const Json& patch, const FieldType& type) {
  if (const auto directive = patch.find(kDirective); directive != patch.end()) {
    if (*directive == "delete") {
      target = Json::object();
      return std::nullopt;
    }
    if (*directive == "replace") {
      target = Json::object();
    } else if (*directive != "merge") {
      return "unknown patch type '" + base::string_at(patch, {kDirective}) + "' in map";
    }
  }
  if (!target.is_object()) target = Json::object();
  if (auto problem = retain_keys(target, patch)) return problem;
  Json before = Json::object();  // only what an order is asked for
  for (const auto& [name, value] : patch.items()) {
    if (!starts_with(name, kSetOrder)) continue;
    const std::string field = name.substr(kSetOrder.size());
    if (const auto member = target.find(field); member != target.end()) before[field] = *member;
  }
  for (const auto& [name, value] : patch.items()) {
    if (name == kDirective || name == kRetainKeys || starts_with(name, kDeleteFrom) ||
        starts_with(name, kSetOrder)) {
      continue;
    }
    if (auto problem = merge_member(target, name, value, type.member(name))) return problem;
  }
  obey_list_directives(target, before, patch, type);
  return std::nullopt;
}

}  // namespace

Outcome<Json> strategic_merge_patch(const Json& target, const Json& patch, const FieldType& type,
                                    const PatchLimits& limits) {
  if (!patch.is_object()) return refuse(bad_request("the strategic merge patch must be an object"));
  if (base::json_depth(patch, limits.depth) > limits.depth) {
    return refuse(
        bad_request("the patch is nested deeper than " + std::to_string(limits.depth) + " levels"));
  }
  Json result = target;
  if (auto problem = merge_maps(result, patch, type)) return refuse(bad_request(*problem));
  return result;
}

}  // namespace kube::server::machinery
