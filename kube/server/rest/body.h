#pragma once

// Request bodies: JSON, YAML or protobuf into a value, under limits; of a caller in this process
// the value itself, under the same.
//
// Errors: 400 (cannot be parsed), 413 (too large), 415 (another media type). Threads: pure
// functions.

#include <optional>

#include "kube/api.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/rest/api_request.h"

namespace kube::server::rest {

// The body of a create, an update or a delete.
Outcome<machinery::DecodedJson> decode_object(const ApiRequest& call);

struct PatchBody {
  kube::PatchType type = kube::PatchType::MergePatch;
  machinery::DecodedJson value;
};
Outcome<PatchBody> decode_patch(const ApiRequest& call);

}  // namespace kube::server::rest
