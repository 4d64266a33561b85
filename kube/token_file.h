#pragma once

// A bearer token that lives in a file and changes there, as Kubernetes rotates those of pods.

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace kube {

// Reads the file now, and again when what was read is a minute old. While a later reading fails,
// the last token stays. The function may be called from any thread; the clock must outlive it.
base::Result<std::function<std::string()>> token_from_file(const std::string& path,
                                                           base::Clock& clock = base::real_clock());

}  // namespace kube
