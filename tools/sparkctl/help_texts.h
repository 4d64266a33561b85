#pragma once

// What `--help` ends with: examples, exit codes.

#include <string>
#include <string_view>

namespace sparkctl {

extern const char* const kExamples;        // of sparkctl itself
extern const char* const kRenderExamples;  // of `sparkctl render`
// Of any other command: its examples, and the options that all of them have.
std::string footer_of(std::string_view command);

}  // namespace sparkctl
