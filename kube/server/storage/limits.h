#pragma once

// How large one stored object may be. These limits hold for what is stored, that is after
// defaulting, merging, patching and with status and managedFields, whoever writes; the store checks
// them itself, so no way in can forget to.
//
// Threads: pure functions.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/server/storage/object.h"

namespace kube::server::storage {

// As compact JSON with its resourceVersion: 1.5 MiB, what etcd takes in one request. A store may be
// opened with another limit.
inline constexpr size_t kMaxObjectBytes = 1'572'864;

// Our parsers take 64 levels (base::JsonLimits). An object that was stored must be readable however
// it is wrapped on its way out:
//   a list           {items: [object]}                                 +2
//   a watch          {object: object}                                  +1
//   a table          {rows: [{object: object}]}                        +3
//   a watched table  {object: {rows: [{object: object}]}}              +4
// 64 - 4 = 60. Its managedFields count: they nest 5 levels deeper than the fields that they name.
inline constexpr size_t kMaxObjectDepth = 60;

// What is being deleted may grow by this much, once its end has begun: a deletion timestamp, a
// finalizer taken away by somebody who is noted for it. Nothing may be too large to be removed.
inline constexpr size_t kRoomToGo = size_t{16} << 10;

// Whether `object` may take the place of `current` (null: it is new) under a limit of bytes. What
// is over the limits already, from a time that had none, may be written back as long as it does not
// grow. Returns how many bytes it has. Error TooLarge: "the object would have 1600000 bytes, the
// limit is 1572864".
base::Result<size_t> check_size(const nlohmann::json& object, const Object* current, bool deleting,
                                size_t limit);

}  // namespace kube::server::storage
