#pragma once

// The files of the log archive: writing one whole or not at all, and reading one by the options of
// pods/log.
//
// Threads: a reader belongs to one thread, except cancel().

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "kube/log_source.h"

namespace monitor {

// Writes the newest `limit` bytes of the sources, from a line's beginning, and says in a first line
// how much was left out. Returns the size. A crash leaves at most "<target>.part".
base::Result<uint64_t> write_log(const std::filesystem::path& target,
                                 const std::vector<std::filesystem::path>& sources, uint64_t limit);

base::Result<std::unique_ptr<kube::LogReader>> read_log(const std::filesystem::path& path,
                                                        const kube::LogOptions& options);

}  // namespace monitor
