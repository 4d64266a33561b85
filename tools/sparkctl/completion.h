#pragma once

// The scripts that `sparkctl completion SHELL` prints. They complete commands, the words that some
// take, files, and names of schedules and runs, which they ask the API for.
//
// Threads: pure.

#include <string>
#include <vector>

namespace sparkctl {

enum class Shell { Bash, Zsh, Fish };
std::string completion_script(Shell shell, const std::vector<std::string>& commands);

}  // namespace sparkctl
