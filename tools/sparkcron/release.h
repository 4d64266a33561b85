#pragma once

// release_runs: takes the finalizer off every run, so that what remains after an uninstall can be
// deleted with nobody there to take it off. Drivers are not touched; a controller that comes back
// puts the finalizer on again where it is due. Call it only while no controller acts: it would put
// it back at once.
//
// Threads: any.

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/api.h"

namespace sparkcron {

// Of these namespaces; empty = all. How many runs were let go. One that cannot be let go stops none
// of the others; then the error says how many are left and why the first of them is.
base::Result<size_t> release_runs(kube::Api& api, const std::vector<std::string>& namespaces);

}  // namespace sparkcron
