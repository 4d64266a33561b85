#pragma once

// What a request's query and body say beside the object: options of writes, deletes, lists and
// watches, checked as kube-apiserver checks them (422 with the field, under the name of the
// options).
//
// Source: CreateOptions, PatchOptions, DeleteOptions and ListOptions of meta.k8s.io.
// Threads: pure functions.

#include "kube/server/objects/objects.h"
#include "kube/server/rest/api_request.h"

namespace kube::server::rest {

// fieldManager, fieldValidation, dryRun and force.
Outcome<objects::WriteOptions> write_options(const ApiRequest& call);
// The options of a delete, from its body and its query.
Outcome<objects::DeleteRequest> delete_request(const ApiRequest& call);
// That resourceVersion, resourceVersionMatch, continue and sendInitialEvents go together.
Outcome<void> check_list_options(const ApiRequest& call);
Outcome<void> check_watch_options(const ApiRequest& call);

}  // namespace kube::server::rest
