#pragma once

// Writes a file of the log archive, whole or not at all: the plain output, and in "<target>.times"
// when which byte came, as runner/node/log_file.h has it, so that the node's reader reads it.
//
// Threads: pure functions but for the file system.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace monitor {

// Where the times of a log lie.
std::filesystem::path times_of(const std::filesystem::path& log);

// Writes the newest `limit` bytes of the sources, from a line's beginning, and says in a first line
// how much was left out. Returns the size of both files. A crash leaves at most "<target>.part",
// "<target>.times.part" and times without a log.
base::Result<uint64_t> write_log(const std::filesystem::path& target,
                                 const std::vector<std::filesystem::path>& sources, uint64_t limit);

}  // namespace monitor
