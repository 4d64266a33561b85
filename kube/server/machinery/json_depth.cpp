#include "kube/server/machinery/json_depth.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace kube::server::machinery {

size_t json_depth(const nlohmann::json& value, size_t limit) {
  if (!value.is_structured()) return 0;
  if (limit == 0) return 1;
  size_t deepest = 0;
  for (const auto& member : value) {
    deepest = std::max(deepest, json_depth(member, limit - 1));
    if (deepest > limit - 1) break;
  }
  return deepest + 1;
}

size_t json_weight(const nlohmann::json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() + 2;
  size_t weight = 4;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items())
      weight += key.size() + 4 + json_weight(member);
  } else if (value.is_array()) {
    for (const auto& member : value)
      weight += 1 + json_weight(member);
  }
  return weight;
}

}  // namespace kube::server::machinery
