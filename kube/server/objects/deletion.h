#pragma once

// What a DELETE does to an object: pure decisions.
//
// An object goes at once unless something holds it: finalizers (those of foreground and orphan
// deletion included), a namespace's content, or for pods the node that runs them.
// Threads: pure functions.

#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/server/types/resource.h"

namespace kube::server::objects {

inline constexpr const char* kForegroundFinalizer = "foregroundDeletion";
inline constexpr const char* kOrphanFinalizer = "orphan";

enum class DeletionStep { Nothing, Mark, Remove };

// Changes the object (in its stored form) to the state in which it waits for its end, and says what
// is to be done with it.
DeletionStep plan_deletion(const types::Resource& resource, nlohmann::json& object,
                           std::optional<kube::Propagation> propagation,
                           std::optional<int64_t> grace_seconds, base::WallTime now);

}  // namespace kube::server::objects
