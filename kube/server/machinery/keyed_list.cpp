#include "kube/server/machinery/keyed_list.h"

#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::machinery {
namespace {

tl::expected<PathElement, std::string> name_of(const Json& item, size_t index,
                                               const FieldType& type) {
  const std::string at = "element " + std::to_string(index) + ": ";
  if (type.list == FieldType::List::Set) {
    if (item.is_structured()) return tl::unexpected(at + "a set has scalar items only");
    return PathElement::value(item);
  }
  if (!item.is_object()) {
    return tl::unexpected(at + "associative list with keys may not have non-map elements");
  }
  Json key = Json::object();
  for (const std::string& name : type.list_keys) {
    const auto member = item.find(name);
    if (member != item.end() && !member->is_structured()) {
      key[name] = *member;
    } else if (const auto fallback = type.key_defaults.find(name);
               fallback != type.key_defaults.end()) {
      key[name] = Json::parse(fallback->second, nullptr, false);
    } else if (type.list_keys.size() == 1) {
      return tl::unexpected(at + "associative list with keys has an element that omits key field " +
                            base::dump_json(name) + " (and doesn't have default value)");
    }
  }
  if (key.empty()) {
    return tl::unexpected(at +
                          "associative list with keys has an element that omits all key "
                          "fields");
  }
  return PathElement::key(key);
}

}  // namespace

bool is_granular_map(const Json& value, const FieldType& type) {
  return value.is_object() && type.map == FieldType::Map::Granular;
}

tl::expected<KeyedItems, std::string> keyed_items(const Json& list, const FieldType& type) {
  KeyedItems items;
  std::set<std::string> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    auto name = name_of(list[i], i, type);
    if (!name) return tl::unexpected(name.error());
    if (!seen.insert(name->text).second) {
      return tl::unexpected("duplicate entries for key " + name->to_string());
    }
    items.emplace_back(std::move(*name), &list[i]);
  }
  return items;
}

std::optional<KeyedItems> try_keyed_items(const Json& value, const FieldType& type) {
  if (!value.is_array() || type.list == FieldType::List::Atomic) return std::nullopt;
  auto items = keyed_items(value, type);
  if (!items) return std::nullopt;
  return std::move(*items);
}

const FieldType& type_below(const FieldType& type, const PathElement& element) {
  if (element.text[0] == 'f') return type.member(std::string_view(element.text).substr(2));
  return type.item();
}

}  // namespace kube::server::machinery
