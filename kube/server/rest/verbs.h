#pragma once

// The verbs of the REST API. Each answers the call exactly once, success or error.
//
// Threads: any; a call belongs to one thread at a time.

#include "kube/server/rest/call.h"

namespace kube::server::rest {

void handle_get(Call& call);
void handle_list(Call& call);
void handle_watch(Call& call);
void handle_create(Call& call);
void handle_update(Call& call);
void handle_patch(Call& call);
void handle_delete(Call& call);
void handle_delete_collection(Call& call);
// pods/binding, pods/eviction, pods/log.
void handle_binding(Call& call);
void handle_eviction(Call& call);
void handle_log(Call& call);
// selfsubjectaccessreviews, selfsubjectrulesreviews.
void handle_review(Call& call);

}  // namespace kube::server::rest
