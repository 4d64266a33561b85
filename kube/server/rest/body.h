#pragma once

// Request bodies: JSON, YAML or protobuf into a value, under limits.
//
// Errors: 400 (cannot be parsed), 413 (too large), 415 (another media type). Threads: pure
// functions.

#include <optional>

#include "base/http/message.h"
#include "kube/api.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/rest/api_request.h"

namespace kube::server::rest {

// The body of a create, an update or a delete.
Outcome<machinery::DecodedJson> decode_object(const base::http::Request& request);

struct PatchBody {
  kube::PatchType type = kube::PatchType::MergePatch;
  machinery::DecodedJson value;
};
Outcome<PatchBody> decode_patch(const base::http::Request& request);

}  // namespace kube::server::rest
