#include "base/memory.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include <malloc.h>
#include <unistd.h>

namespace base {
namespace {

// Of this process's own: without the pages of files (program, libraries, databases).
size_t resident_memory() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  size_t total = 0;
  size_t resident = 0;
  size_t shared = 0;
  const int found = std::fscanf(file, "%zu %zu %zu", &total, &resident, &shared);
  std::fclose(file);
  if (found != 3 || shared > resident) return 0;
  return (resident - shared) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

size_t unused_memory() {
#ifdef __GLIBC__
  const struct mallinfo2 heap = ::mallinfo2();
  const size_t used = heap.uordblks + heap.hblkhd;
  if (used == 0) return 0;  // another allocator: a sanitizer's
  const size_t resident = resident_memory();
  return resident > used ? resident - used : 0;
#else
  return 0;
#endif
}

bool return_unused_memory(size_t at_least) {
#ifdef __GLIBC__
  return unused_memory() >= at_least && ::malloc_trim(0) != 0;
#else
  return at_least == 0;
#endif
}

void use_few_arenas() {
#ifdef __GLIBC__
  constexpr unsigned kMost = 4;
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  static_cast<void>(::mallopt(M_ARENA_MAX, static_cast<int>(std::min(processors, kMost))));
#endif
}

}  // namespace base
