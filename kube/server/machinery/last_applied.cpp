#include "kube/server/machinery/last_applied.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/field_changes.h"
#include "kube/server/machinery/managed_fields.h"

namespace kube::server::machinery {
namespace {

constexpr const char* kAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
constexpr size_t kMaxAnnotationBytes = size_t{256} << 10;

std::string annotation_of(const Json& object) {
  return base::string_at(object, {"metadata", "annotations", kAnnotation});
}

}  // namespace

FieldSet still_as_applied(const Json& live, const FieldType& type, const std::string& api_version) {
  const auto then = base::parse_json(annotation_of(live));
  if (!then || base::string_at(*then, {"apiVersion"}) != api_version) return {};
  const auto fields = field_set_of(*then, type);
  if (!fields) return {};
  const FieldChanges since = changes_between(*then, live, type);
  return fields->without(since.written()).without(since.removed);
}

void renew_last_applied(Json& object, const Json& applied) {
  if (annotation_of(object).empty()) return;
  Json said = applied;
  if (const Json* annotations = base::find(said, {"metadata", "annotations"});
      annotations != nullptr && annotations->is_object()) {
    said["metadata"]["annotations"].erase(kAnnotation);
  }
  Json& annotations = object["metadata"]["annotations"];
  std::string text = base::dump_json(said) + "\n";
  if (text.size() > kMaxAnnotationBytes) {
    annotations.erase(kAnnotation);
  } else {
    annotations[kAnnotation] = std::move(text);
  }
}

}  // namespace kube::server::machinery
