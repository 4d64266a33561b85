#pragma once

// ahead: slots that a clock had reached before it was set back. Those that were started must not
// start again when their time comes, nor be counted again.
//
// Threads: pure.

#include <vector>

#include "scheduler/observed.h"

namespace scheduler {

// Adds a slot to spans that are ascending and apart. Neighbours in the schedule become one span;
// beyond kMostAhead the two that are nearest do, and what lies between them is not owed any more.
void add_ahead(std::vector<Span>& spans, Instant slot, const Schedule& schedule);
// Takes out what the cursor has reached.
void forget_ahead(std::vector<Span>& spans, Instant accounted);

}  // namespace scheduler
