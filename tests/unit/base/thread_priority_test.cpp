#include "base/thread_priority.h"

#include <thread>

#include <sys/resource.h>

#include "tests/support/catch.h"

namespace {

int nice_of_this_thread() {
  return ::getpriority(PRIO_PROCESS, 0);
}

}  // namespace

TEST_CASE("a thread that gives way is behind the others of its process", "[thread_priority]") {
  const int before = nice_of_this_thread();
  int there = before;
  std::thread([&] {
    base::give_way();
    there = nice_of_this_thread();
  }).join();
  CHECK((there > before || before == 19));
  CHECK(nice_of_this_thread() == before);
}
