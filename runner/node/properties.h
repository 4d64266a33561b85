#pragma once

// Java's .properties format, as java.util.Properties reads and writes it (JDK 17 documentation of
// Properties.load and store).
//
// Total: every text parses to something, as in Java; only a bad \uXXXX, which Java refuses, is kept
// as it stands. Threads: pure.

#include <map>
#include <string>
#include <string_view>

namespace runner::node {

using Properties = std::map<std::string, std::string>;

// A key that comes twice has its last value.
Properties parse_properties(std::string_view text);
// Sorted by key; UTF-8 as it is.
std::string format_properties(const Properties& properties);

}  // namespace runner::node
