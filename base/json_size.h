#pragma once

// How large and how deep a JSON value is, measured without writing it, for limits.
//
// Threads: pure functions.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

namespace base {

// 0 for a scalar, 1 for a flat object; stops counting at `limit` + 1.
size_t json_depth(const nlohmann::json& value, size_t limit);

// The length of dump_json(value), in bytes; stops counting once it is over `limit`. (Text that is
// not UTF-8 counts as it is, before dump_json replaces it.)
size_t json_size(const nlohmann::json& value, size_t limit = static_cast<size_t>(-1));

}  // namespace base
