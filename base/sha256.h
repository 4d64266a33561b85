#pragma once

// SHA-256 of bytes as 64 lower-case hex digits: what a store of files is signed with, and a name
// for content that nobody can give to another.
//
// Threads: pure.

#include <string>
#include <string_view>

namespace base {

std::string sha256_hex(std::string_view bytes);

}  // namespace base
