#include "scheduler/observed.h"

#include <algorithm>

namespace scheduler {

bool State::has_counted(Instant slot) const {
  return slot <= accounted || std::any_of(ahead.begin(), ahead.end(), [&](const Span& span) {
           return span.first <= slot && slot <= span.last;
         });
}

}  // namespace scheduler
