#include "runner/schedules/trigger.h"

#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/object.h"

namespace runner::schedules {

using nlohmann::json;

namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

bool was_applied(const json& schedule, std::string_view annotation) {
  const auto applied =
      base::parse_json(base::string_at(schedule, {"metadata", "annotations", kLastApplied}));
  return applied && base::find(*applied, {"metadata", "annotations", annotation}) != nullptr;
}

}  // namespace

bool annotated_after_creation(const json& schedule, std::string_view annotation) {
  const json* entries = base::find(schedule, {"metadata", "managedFields"});
  if (entries == nullptr || !entries->is_array()) return false;
  const std::string field = "f:" + std::string(annotation);
  const bool first_spec = base::integer_at(schedule, {"metadata", "generation"}).value_or(1) <= 1;
  const auto created = kube::created_at(schedule);
  for (const json& entry : *entries) {
    if (base::find(entry, {"fieldsV1", "f:metadata", "f:annotations", field}) == nullptr) continue;
    if (base::find(entry, {"fieldsV1", "f:spec"}) == nullptr) return true;
    const auto written = base::parse_rfc3339(base::string_at(entry, {"time"}));
    if (first_spec && written && created && *written > *created) return true;
  }
  return false;
}

bool is_nobodys_manifest(const json& schedule, std::string_view annotation) {
  const json* entries = base::find(schedule, {"metadata", "managedFields"});
  if (entries == nullptr || !entries->is_array()) return false;
  const std::string field = "f:" + std::string(annotation);
  bool written = false;
  for (const json& entry : *entries) {
    if (base::find(entry, {"fieldsV1", "f:metadata", "f:annotations", field}) == nullptr) continue;
    const bool whole = base::find(entry, {"fieldsV1", "f:spec", "f:schedule"}) != nullptr &&
                       base::find(entry, {"fieldsV1", "f:spec", "f:template"}) != nullptr;
    if (whole || base::string_at(entry, {"operation"}) == "Apply") return false;
    written = true;
  }
  return written && !was_applied(schedule, annotation);
}

}  // namespace runner::schedules
