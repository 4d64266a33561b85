#pragma once

// What a Kubernetes API server says when it refuses: from an HTTP status and a Status object to a
// base::Error. The reason decides where one HTTP status has two meanings (409 is AlreadyExists or
// Conflict).
//
// Threads: pure functions.

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace kube {

// Of a Status object alone, as it comes inside a watch: its own code counts.
base::Error error_of(const nlohmann::json& status);

// Of a whole answer. `retry_after` is the field of that name, or empty: seconds (a date is taken as
// one second). A body that is no Status is quoted, at most 200 characters.
base::Error error_of(int http_status, std::string_view body, std::string_view retry_after);

}  // namespace kube
