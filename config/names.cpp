#include "config/names.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/stable_hash.h"

namespace config {

std::string label_value(std::string_view name) {
  if (name.size() <= kMaxLabelValue) return std::string(name);
  const std::string ending = "-" + base::short_hash(name);
  return std::string(name.substr(0, kMaxLabelValue - ending.size())) + ending;
}

void set_name_label(nlohmann::json& object, const char* label, const std::string& name) {
  nlohmann::json& metadata = object["metadata"];
  metadata["labels"][label] = label_value(name);
  if (name.size() > kMaxLabelValue) metadata["annotations"][label] = name;
}

std::string name_from_label(const nlohmann::json& object, const char* label) {
  const std::string value = base::string_at(object, {"metadata", "labels", label});
  const std::string name = base::string_at(object, {"metadata", "annotations", label});
  return label_value(name) == value && !value.empty() ? name : value;
}

const kube::ResourceType& spark_applications() {
  static const kube::ResourceType type{kGroup, kVersion, "sparkapplications", kApplicationKind,
                                       true};
  return type;
}

const kube::ResourceType& scheduled_spark_applications() {
  static const kube::ResourceType type{kGroup, kVersion, "scheduledsparkapplications",
                                       kScheduleKind, true};
  return type;
}

}  // namespace config
