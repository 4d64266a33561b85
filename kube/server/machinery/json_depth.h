#pragma once

// Sizes of JSON values, for limits. Threads: pure functions.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

namespace kube::server::machinery {

// 0 for a scalar, 1 for a flat object; stops counting at `limit` + 1.
size_t json_depth(const nlohmann::json& value, size_t limit);
// About the bytes that the value takes as text; a lower bound is enough for limits.
size_t json_weight(const nlohmann::json& value);

}  // namespace kube::server::machinery
