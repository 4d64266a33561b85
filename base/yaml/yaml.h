#pragma once

// YAML in, JSON out: manifests, kubeconfigs, CRDs. Scalars follow kubectl (YAML 1.1: yes/no/on/off
// are booleans, 0400 is octal); duplicate keys are refused; size, depth and the number of nodes
// after alias expansion are bounded.
//
// Errors: InvalidArgument with line and column: "line 3, column 7: duplicate key \"name\"".
// Threads: pure functions.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace base::yaml {

struct Limits {
  size_t bytes = size_t{3} << 20;
  size_t depth = 64;
  size_t nodes = 1'000'000;
  // What anchors and aliases copy, in values (a text counts one for every 64 bytes): an anchored
  // value is kept beside its place, an alias repeats it.
  size_t copies = 100'000;
};

// One document. An empty one is null.
Result<nlohmann::json> parse(std::string_view text, const Limits& limits = {});
// All documents of a stream ("---"); empty ones are dropped.
Result<std::vector<nlohmann::json>> parse_all(std::string_view text, const Limits& limits = {});
// Block style, keys sorted, strings quoted only where YAML 1.1 would read something else, so that
// kubectl and yaml-cpp both read back the same value.
std::string dump(const nlohmann::json& value);

}  // namespace base::yaml
