#pragma once

// How much of a busy machine a thread gets.
//
// Threads: any.

namespace base {

// The calling thread gives way to the others of this process, and of the machine, while they have
// work: for what must be done and need not be done now. For good: nobody may ask for more again.
void give_way();

}  // namespace base
