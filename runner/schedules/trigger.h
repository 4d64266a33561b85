#pragma once

// trigger: what the API server tells of who wrote the trigger annotation.
//
// annotated_after_creation: whether that of a schedule that nobody has looked at yet asks for a
// run. It does if it came after the creation; a manifest that was copied with its annotation must
// start nothing.
//
// The API server tells by metadata.managedFields: what came with the creation stands in the entry
// that has the spec. So the annotation came later if
//  - an entry without any part of the spec has it (another client, as kubectl annotate or sparkctl
//    are another one than kubectl apply), or
//  - the entry was written in a later second than the object was created, and the spec is still the
//    first one (the same client, for example kubectl apply of a manifest to which it was added).
// What remains (the same client within the same second, or a server that does not keep
// managedFields) counts as copied, and an event says so.
//
// is_nobodys_manifest: whether the annotation may be taken away once it is taken up, because nobody
// would write it again but to ask again. It may not if it is part of what somebody applies: it
// stands in an entry of server-side apply, in kubectl's last-applied-configuration, or in an entry
// that has schedule and template too, as of the client that made the object. (Of one that replaces
// it later the entry has what it changed, and looks like anybody's.)
//
// Threads: pure.

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace runner::schedules {

// `schedule` as the API has it: caches drop managedFields.
bool annotated_after_creation(const nlohmann::json& schedule, std::string_view annotation);
bool is_nobodys_manifest(const nlohmann::json& schedule, std::string_view annotation);

}  // namespace runner::schedules
