#pragma once

// JSON merge patch (RFC 7386) and JSON patch (RFC 6902) under limits: the number of operations,
// the size of copies, the work, the depth of the result. Errors carry the texts of Kubernetes: a
// test that fails is 422 `the server rejected our request due to an error in our request: <why>`; a
// malformed patch is 400; what is over a limit of size or work is 413.
//
// Threads: pure functions.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

struct PatchLimits {
  size_t operations = 10'000;            // as Kubernetes
  size_t added_bytes = size_t{3} << 20;  // what copy and add may pile up, as kube-apiserver
  // List items that are shifted by inserting and removing before them, and bytes that are moved.
  size_t work = 20'000'000;
  size_t depth = 64;
};

Outcome<Json> merge_patch(const Json& target, const Json& patch, const PatchLimits& limits = {});
Outcome<Json> json_patch(const Json& target, const Json& patch, const PatchLimits& limits = {});

}  // namespace kube::server::machinery
