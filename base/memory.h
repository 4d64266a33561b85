#pragma once

// What the process holds and does not use. Freed memory mostly stays with the allocator, in the
// arena of the thread that asked for it: after a burst that is most of what the process has.
//
// Threads: any.

#include <cstddef>

namespace base {

// Freed, and still resident; 0 where it cannot be told.
size_t unused_memory();
// Gives freed memory back to the system if there is at least this much of it. True if it did.
bool return_unused_memory(size_t at_least);

// Threads share a few arenas instead of having one each, so that what one has freed serves the
// others. To be called before there are threads.
void use_few_arenas();

}  // namespace base
