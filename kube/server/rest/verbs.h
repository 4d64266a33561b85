#pragma once

// The verbs of the REST API. Each answers the call exactly once, success or error.
//
// Threads: any; a call belongs to one thread at a time.

#include "kube/server/rest/api_request.h"

namespace kube::server::rest {

void handle_get(ApiRequest& call);
void handle_list(ApiRequest& call);
void handle_watch(ApiRequest& call);
void handle_create(ApiRequest& call);
void handle_update(ApiRequest& call);
void handle_patch(ApiRequest& call);
void handle_delete(ApiRequest& call);
void handle_delete_collection(ApiRequest& call);
// customresource/scale.
void handle_get_scale(ApiRequest& call);
void handle_update_scale(ApiRequest& call);
void handle_patch_scale(ApiRequest& call);
// pods/binding, pods/eviction, pods/log.
void handle_binding(ApiRequest& call);
void handle_eviction(ApiRequest& call);
void handle_log(ApiRequest& call);
// serviceaccounts/token.
void handle_token_request(ApiRequest& call);
// selfsubjectaccessreviews, selfsubjectrulesreviews, selfsubjectreviews.
void handle_review(ApiRequest& call);

}  // namespace kube::server::rest
