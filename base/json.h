#pragma once

// Bounded JSON parsing for everything that comes from outside, and the few accessors that every
// reader of Kubernetes objects needs. Never throws.
//
// Threads: pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace base {

struct JsonLimits {
  size_t bytes = size_t{16} << 20;
  size_t depth = 64;  // nlohmann's dump() and copy recurse: deeper input would end the process
  // The keys to one member that is checked like the rest but not kept; none: everything is.
  std::span<const std::string_view> leave_out;
};

// InvalidArgument: "not JSON: syntax error at byte 12", "JSON is nested deeper than 64
// levels"; TooLarge.
Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact; invalid UTF-8 is replaced, so it never fails.
std::string dump_json(const nlohmann::json& value);

// The member at a path of object keys, or nullptr when any step is missing or not an object.
const nlohmann::json* find(const nlohmann::json& object,
                           std::initializer_list<std::string_view> path);
// The string there; empty when absent or of another type.
std::string string_at(const nlohmann::json& object, std::initializer_list<std::string_view> path);
// A number over the largest int64_t is that one.
std::optional<int64_t> integer_at(const nlohmann::json& object,
                                  std::initializer_list<std::string_view> path);
std::optional<bool> bool_at(const nlohmann::json& object,
                            std::initializer_list<std::string_view> path);

}  // namespace base
