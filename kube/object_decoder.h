#pragma once

// One object of an answer, from text. An object that cannot be read (nested too deep, too large, no
// object, without a name) is never a reason to lose the others that came with it: it becomes an
// Unreadable, which says as much about it as can be found.
//
// Threads: pure functions.

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/api.h"

namespace kube {

struct ObjectLimits {
  size_t bytes = size_t{16} << 20;
  // Twice what our own API server stores: its managedFields are nested deeper than the object.
  size_t depth = 128;
};

// Errors: those of base::parse_json(), `not an object`, `an object without metadata.name`. Where
// only its version is asked for it comes without managedFields, which may be half of it.
base::Result<nlohmann::json> decode_object(std::string_view text, const ObjectLimits& limits,
                                           ListOptions::Content content);

// What a text that decode_object() refuses, or the beginning of one, says about itself.
Unreadable describe_unreadable(std::string_view text, std::string reason);

// For whoever must be certain that nothing is there: Unavailable, `n/a cannot be read: …`, when the
// list had to leave something out.
base::Status require_all_readable(const ObjectList& list);

}  // namespace kube
