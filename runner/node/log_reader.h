#pragma once

// Reading back what a container printed.
//
// Threads: pure but for the files.

#include <cstddef>
#include <filesystem>
#include <string>

namespace runner::node {

// The end of a log as text, without the times: about `bytes` bytes of what is on disk. Empty when
// it cannot be read.
std::string read_log_tail(const std::filesystem::path& log, size_t bytes);

}  // namespace runner::node
