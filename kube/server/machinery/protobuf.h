#pragma once

// Request bodies in Kubernetes' protobuf: the envelope `k8s\0` + runtime.Unknown, around a message
// of a built-in kind. kubectl sends them for imperative creates (namespace, configmap, secret,
// serviceaccount), `auth can-i` and deletes. Fields and their numbers come from built_in_types.h;
// unknown fields are skipped. Answers are always JSON, which every client takes.
//
// Errors: 400; 415 for a kind that is not known. Nothing is read beyond the body, depth and the
// number of values are bounded. Threads: pure functions.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

inline constexpr std::string_view kProtobufMediaType = "application/vnd.kubernetes.protobuf";

// The object as JSON, with apiVersion and kind from the envelope.
Outcome<Json> decode_protobuf(std::string_view body);

}  // namespace kube::server::machinery
