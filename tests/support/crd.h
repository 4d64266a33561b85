#pragma once

// undeclared: what of an object's status its CustomResourceDefinition does not declare, or declares
// as another type. Kept unknown fields do not count as declared: below them an API server prunes.
//
// Threads: any.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/yaml/yaml.h"
#include "config/crd.h"

namespace tests {

inline bool is_of_type(const nlohmann::json& value, const nlohmann::json& schema) {
  const std::string type = schema.value("type", "");
  if (value.is_null()) return schema.value("nullable", false);
  return (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) ||
         (type == "array" && value.is_array()) || (type == "object" && value.is_object());
}

// Appends the paths of what is wrong.
inline void compare_to_schema(const nlohmann::json& value, const nlohmann::json& schema,
                              const std::string& path, std::vector<std::string>& wrong) {
  if (!is_of_type(value, schema)) return wrong.push_back(path);
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i)
      compare_to_schema(value[i], schema.at("items"), path + "[" + std::to_string(i) + "]", wrong);
  if (!value.is_object()) return;
  for (const auto& [name, field] : value.items()) {
    const std::string at = path + "." + name;
    if (schema.contains("properties") && schema["properties"].contains(name))
      compare_to_schema(field, schema["properties"][name], at, wrong);
    else if (schema.contains("additionalProperties"))
      compare_to_schema(field, schema["additionalProperties"], at, wrong);
    else
      wrong.push_back(at);
  }
}

// "SparkApplication" or "ScheduledSparkApplication"; std::out_of_range for any other.
inline std::vector<std::string> undeclared(std::string_view kind, const nlohmann::json& status) {
  std::vector<std::string> wrong;
  for (const std::string_view text : config::crd_manifests()) {
    const nlohmann::json crd = base::yaml::parse(text).value();
    if (crd.at("spec").at("names").at("kind") != kind) continue;
    compare_to_schema(
        status, crd.at("/spec/versions/0/schema/openAPIV3Schema/properties/status"_json_pointer),
        "status", wrong);
    return wrong;
  }
  throw std::out_of_range("no such kind");
}

}  // namespace tests
