#include "base/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace base {

// On Linux a thread has a priority of its own. Where it cannot be had, it stays as it is.
void give_way() {
  constexpr int kLater = 10;
  const auto thread = static_cast<id_t>(::gettid());
  const int now = ::getpriority(PRIO_PROCESS, thread);
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, now + kLater));
}

}  // namespace base
