// Reviews: whoever has a token may do everything.

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/objects/validation.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/verbs.h"

namespace kube::server::rest {

using nlohmann::json;

void handle_review(ApiRequest& call) {
  auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  json& review = body->value;
  if (auto right = objects::check_identity(*call.resource, review); !right) {
    return answer(*call.responder, right.error());
  }
  if (call.info.plural == "selfsubjectreviews") {
    review["metadata"]["creationTimestamp"] = objects::format_time(call.services.clock.now());
    json& user = review["status"]["userInfo"];
    user = {{"username", call.caller.username}, {"groups", call.caller.groups}};
    if (!call.caller.uid.empty()) user["uid"] = call.caller.uid;
  } else if (call.info.plural == "selfsubjectaccessreviews") {
    const bool resource = base::find(review, {"spec", "resourceAttributes"}) != nullptr;
    const bool path = base::find(review, {"spec", "nonResourceAttributes"}) != nullptr;
    if (resource == path) {
      return answer(*call.responder,
                    machinery::invalid(
                        call.resource->type, "",
                        {machinery::FieldError::invalid_omitted(
                            "spec.resourceAttributes",
                            "exactly one of nonResourceAttributes or resourceAttributes must be "
                            "specified")}));
    }
    review["status"] = {{"allowed", true}, {"reason", "the bearer of the token may do everything"}};
  } else {
    const json all = json::array({"*"});
    review["status"] = {
        {"incomplete", false},
        {"resourceRules", json::array({{{"verbs", all}, {"apiGroups", all}, {"resources", all}}})},
        {"nonResourceRules", json::array({{{"verbs", all}, {"nonResourceURLs", all}}})}};
  }
  answer(*call.responder, 201, base::dump_json(review) + "\n");
}

}  // namespace kube::server::rest
