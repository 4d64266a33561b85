#pragma once

// spark.properties: the file through which the driver gets its configuration, in the format of
// java.util.Properties as Spark reads it (UTF-8, no \uXXXX on writing).
//
// What is written reads back the same, with one exception that Spark has too: it trims values.
// Threads: pure functions.

#include <string>
#include <string_view>

#include "runner/submission/conf.h"

namespace runner::submission {

// Sorted by key, each line ended by LF; `comment` is one line without its '#'. Equal input gives
// equal bytes.
std::string write_properties(const Conf& conf, std::string_view comment);

// Comments, continued lines, the separators "=", ":" and blank, escapes. Total: odd input gives odd
// pairs, never an error. Values come as written, untrimmed.
Conf read_properties(std::string_view text);

}  // namespace runner::submission
