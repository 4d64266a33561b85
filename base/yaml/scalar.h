#pragma once

// What a scalar means: the resolution rules that kubectl uses (YAML 1.1 as read by goyaml.v2).
//
// Threads: pure functions.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace base::yaml {

// A plain scalar: null, boolean, integer (0x1f, 0b11, 0o17, 0400), float, or else the text itself.
// ".inf" and ".nan" become floats, which JSON cannot write: the caller refuses them.
nlohmann::json resolve_plain(std::string_view text);

// True when some reader of YAML 1.1 would take the plain text for something other than a string;
// more than resolve_plain knows: dates, sexagesimal numbers, "=".
bool looks_special(std::string_view text);

}  // namespace base::yaml
