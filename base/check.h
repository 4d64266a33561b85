#pragma once

// CHECK(condition): aborts with file and line when an invariant of our own code is broken.
// Never for input: users, files and the network get an Error.

namespace base {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace base

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::base::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
