// customresource/scale: get, update and patch of a number, as an autoscaling/v1 Scale.

#include "kube/server/types/scale.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/patch.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/options.h"
#include "kube/server/rest/verbs.h"
#include "kube/server/rest/view.h"

namespace kube::server::rest {
namespace {

using machinery::refuse;
using nlohmann::json;
using types::Purpose;

// Scale as a resource of its own, for its Table.
const types::ResourcePtr& scale_resource() {
  static const types::ResourcePtr resource = [] {
    auto scale = std::make_shared<types::Resource>();
    scale->type = types::scales();
    scale->storage_api_version = scale->type.api_version();
    scale->columns = machinery::TableColumns::of_custom(json::array(
        {{{"name", "Desired"}, {"type", "integer"}, {"jsonPath", ".spec.replicas"}},
         {{"name", "Available"}, {"type", "integer"}, {"jsonPath", ".status.replicas"}},
         {{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}}}));
    return scale;
  }();
  return resource;
}

void answer_scale(const ApiRequest& call, const storage::Object& object) {
  const json served = objects::Objects::served(*call.resource, object);
  auto scale = types::scale_of(*call.resource->scale, served, Purpose::Read);
  if (!scale) return answer(*call.responder, scale.error());
  const storage::Object shown{.key = object.key,
                              .revision = object.revision,
                              .text = base::dump_json(*scale),
                              .indexed = {}};
  const View view{.resource = scale_resource(), .representation = call.representation};
  answer(*call.responder, 200,
         view.object(shown, std::chrono::floor<std::chrono::seconds>(call.services.clock.now())) +
             "\n");
}

// Changes the object by what `change` makes of its Scale, until nobody was faster.
template <class Change>
void write_scale(ApiRequest& call, const objects::WriteOptions& options, Change change) {
  const types::ScalePaths& paths = *call.resource->scale;
  const auto written =
      call.services.objects.change(call.target(), options, [&](json& object) -> Outcome<void> {
        auto scale = types::scale_of(paths, object, Purpose::Write);
        if (!scale) return refuse(scale.error());
        // The version counts only when the client named it.
        (*scale)["metadata"].erase("resourceVersion");
        auto changed = change(*scale);
        if (!changed) return refuse(changed.error());
        return types::set_scale(paths, *changed, object);
      });
  if (!written) return answer(*call.responder, written.error());
  answer_scale(call, *written->object);
}

Outcome<void> check_scale_sent(const ApiRequest& call, const json& scale) {
  const kube::ResourceType& type = types::scales();
  if (base::string_at(scale, {"apiVersion"}) != type.api_version() ||
      base::string_at(scale, {"kind"}) != type.kind) {
    return refuse(machinery::bad_request("the body must be a Scale of " + type.api_version()));
  }
  const std::string name = base::string_at(scale, {"metadata", "name"});
  if (!name.empty() && name != call.info.name) {
    return refuse(machinery::bad_request("the name of the object (" + name +
                                         ") does not match the name on the URL (" + call.info.name +
                                         ")"));
  }
  return {};
}

}  // namespace

void handle_get_scale(ApiRequest& call) {
  const auto object = call.services.objects.get(call.target());
  if (!object) return answer(*call.responder, object.error());
  answer_scale(call, **object);
}

void handle_update_scale(ApiRequest& call) {
  const auto options = write_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  if (auto right = check_scale_sent(call, body->value); !right)
    return answer(*call.responder, right.error());
  write_scale(call, *options, [&](const json&) -> Outcome<json> { return body->value; });
}

void handle_patch_scale(ApiRequest& call) {
  const auto options = write_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto patch = decode_patch(call);
  if (!patch) return answer(*call.responder, patch.error());
  const bool json_patch = patch->type == kube::PatchType::JsonPatch;
  // A real server takes no other kind of a custom resource's scale either.
  if (!json_patch && patch->type != kube::PatchType::MergePatch) {
    return answer(*call.responder,
                  machinery::unsupported_media_type(
                      {"application/json-patch+json", "application/merge-patch+json"}));
  }
  write_scale(call, *options, [&](const json& scale) -> Outcome<json> {
    auto patched = json_patch ? machinery::json_patch(scale, patch->value.value)
                              : machinery::merge_patch(scale, patch->value.value);
    if (!patched) return refuse(patched.error());
    if (auto right = check_scale_sent(call, *patched); !right) return refuse(right.error());
    return std::move(*patched);
  });
}

}  // namespace kube::server::rest
