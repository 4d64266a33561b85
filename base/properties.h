#pragma once

// Java's .properties format, as java.util.Properties reads and writes it (JDK 17 documentation of
// Properties.load and store).
//
// Total: every text parses to something, as in Java; only a bad \uXXXX, which Java refuses, is kept
// as it stands. Threads: pure.

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace base {

using Properties = std::map<std::string, std::string, std::less<>>;

// A key that comes twice has its last value.
Properties parse_properties(std::string_view text);
// Sorted by key, each line ended by LF; UTF-8 as it is. Reads back the same.
std::string format_properties(const Properties& properties);

}  // namespace base
