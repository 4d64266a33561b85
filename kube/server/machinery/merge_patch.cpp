#include <nlohmann/json.hpp>

#include "base/json_size.h"
#include "kube/server/machinery/patch.h"

namespace kube::server::machinery {
namespace {

void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      merge(target[key], value);
    }
  }
}

}  // namespace

Outcome<Json> merge_patch(const Json& target, const Json& patch, const PatchLimits& limits) {
  if (base::json_depth(patch, limits.depth) > limits.depth) {
    return refuse(
        bad_request("the patch is nested deeper than " + std::to_string(limits.depth) + " levels"));
  }
  // An object is asked for: a patch that is not one would replace the whole object.
  if (!patch.is_object()) return refuse(bad_request("the merge patch must be a JSON object"));
  Json result = target;
  merge(result, patch);
  return result;
}

}  // namespace kube::server::machinery
