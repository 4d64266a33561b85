#include "kube/server/machinery/field_changes.h"

#include <map>

#include <nlohmann/json.hpp>

#include "kube/server/machinery/keyed_list.h"

namespace kube::server::machinery {
namespace {

using Items = std::map<std::string, const Json*>;  // by the text of the path element

// The parts that a value is owned by; nullopt when it is owned as one.
std::optional<Items> parts_of(const Json& value, const FieldType& type) {
  Items parts;
  if (is_granular_map(value, type)) {
    for (const auto& [name, member] : value.items()) {
      parts.emplace(PathElement::field(name).text, &member);
    }
    return parts;
  }
  const auto items = try_keyed_items(value, type);
  if (!items) return std::nullopt;
  for (const auto& [name, item] : *items)
    parts.emplace(name.text, item);
  return parts;
}

// A value that appears or disappears takes everything below it along.
void mark_all(const Json& value, const FieldType& type, FieldSet& set) {
  set.set_member(true);
  const auto parts = parts_of(value, type);
  if (!parts) return;
  for (const auto& [text, part] : *parts) {
    const PathElement element{text};
    mark_all(*part, type_below(type, element), set.at(element));
  }
}

// `changes` holds the sets of this level; a child's go in under its name only if not empty.
void compare(const Json& before, const Json& after, const FieldType& type, FieldChanges& changes) {
  if (before == after) return;
  const auto old_parts = parts_of(before, type);
  const auto new_parts = parts_of(after, type);
  const bool alike = before.is_array() == after.is_array();
  if (!old_parts || !new_parts || !alike) {
    changes.modified.set_member(true);
    if (old_parts) {
      mark_all(before, type, changes.removed);
      changes.removed.set_member(false);
    }
    if (new_parts) {
      mark_all(after, type, changes.added);
      changes.added.set_member(false);
    }
    return;
  }
  for (const auto& [text, part] : *new_parts) {
    const PathElement element{text};
    const FieldType& below = type_below(type, element);
    const auto old_part = old_parts->find(text);
    if (old_part == old_parts->end()) {
      mark_all(*part, below, changes.added.at(element));
      continue;
    }
    FieldChanges deeper;
    compare(*old_part->second, *part, below, deeper);
    if (!deeper.added.empty()) changes.added.at(element) = std::move(deeper.added);
    if (!deeper.modified.empty()) changes.modified.at(element) = std::move(deeper.modified);
    if (!deeper.removed.empty()) changes.removed.at(element) = std::move(deeper.removed);
  }
  for (const auto& [text, part] : *old_parts) {
    if (new_parts->count(text) != 0) continue;
    const PathElement element{text};
    mark_all(*part, type_below(type, element), changes.removed.at(element));
  }
}

// Items that only the live list has keep their place; those that both have stand in the order of
// the applied list. Applying the same list again therefore changes nothing.
Json merge_lists(const KeyedItems& live, const KeyedItems& applied, const FieldType& type) {
  Items of_live;
  Items of_applied;
  for (const auto& [name, item] : live)
    of_live.emplace(name.text, item);
  for (const auto& [name, item] : applied)
    of_applied.emplace(name.text, item);
  Json result = Json::array();
  size_t i = 0;
  size_t j = 0;
  while (i < live.size() || j < applied.size()) {
    if (i < live.size() && of_applied.count(live[i].first.text) == 0) {
      result.push_back(*live[i++].second);
    } else if (j < applied.size()) {
      const auto shared = of_live.find(applied[j].first.text);
      if (shared == of_live.end()) {
        result.push_back(*applied[j++].second);
        continue;
      }
      result.push_back(merge_applied(*shared->second, *applied[j++].second, type.item()));
      ++i;
    } else {
      ++i;
    }
  }
  return result;
}

}  // namespace

FieldChanges changes_between(const Json& before, const Json& after, const FieldType& type) {
  FieldChanges changes;
  compare(before, after, type, changes);
  return changes;
}

Json merge_applied(const Json& live, const Json& applied, const FieldType& type) {
  if (is_granular_map(live, type) && is_granular_map(applied, type)) {
    Json result = live;
    for (const auto& [name, value] : applied.items()) {
      const auto member = result.find(name);
      if (member == result.end()) {
        result[name] = value;
      } else {
        *member = merge_applied(*member, value, type.member(name));
      }
    }
    return result;
  }
  const auto live_items = try_keyed_items(live, type);
  const auto applied_items = try_keyed_items(applied, type);
  if (live_items && applied_items) return merge_lists(*live_items, *applied_items, type);
  return applied;
}

namespace {

// True when nothing of the value is left and nobody wants the empty shell.
bool prune(Json& value, const FieldType& type, const FieldSet& last, const FieldSet* owned) {
  const auto goes = [&](Json& part, const PathElement& element) {
    const FieldSet* before = last.child(element);
    if (before == nullptr) return false;
    const FieldSet* now = owned == nullptr ? nullptr : owned->child(element);
    if (before->member() && (now == nullptr || now->empty())) return true;
    return prune(part, type_below(type, element), *before, now);
  };
  bool removed = false;
  if (is_granular_map(value, type)) {
    for (auto member = value.begin(); member != value.end();) {
      const bool gone = goes(member.value(), PathElement::field(member.key()));
      removed = removed || gone;
      member = gone ? value.erase(member) : std::next(member);
    }
  } else if (const auto items = try_keyed_items(value, type)) {
    Json kept = Json::array();
    for (size_t i = 0; i < items->size(); ++i) {
      if (goes(value[i], (*items)[i].first)) {
        removed = true;
      } else {
        kept.push_back(std::move(value[i]));
      }
    }
    value = std::move(kept);
  }
  return removed && value.empty() && (owned == nullptr || !owned->member());
}

}  // namespace

void remove_unowned(Json& object, const FieldType& type, const FieldSet& last,
                    const FieldSet& owned) {
  prune(object, type, last, &owned);
}

}  // namespace kube::server::machinery
