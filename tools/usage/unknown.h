#pragma once

// What was meant by a word of a command line that nothing is called by.
//
// Threads: pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

namespace usage {

// The word with the fewest mistakes, two at most; nullopt if none is like it.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words);

// A sentence about the first option of a line that could not be parsed which no command of it has,
// such as `list has no option --wach; did you mean --watch?`; nullopt if there is none.
std::optional<std::string> explain_unknown_option(const CLI::App& app);

}  // namespace usage
