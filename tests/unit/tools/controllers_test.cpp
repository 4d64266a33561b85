// The elector starts the controllers on its own thread while the main thread may be stopping them.

#include "tools/sparkcron/controllers.h"

#include <latch>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/memory_api.h"
#include "tests/support/memory_recorder.h"

namespace sparkcron {
namespace {

struct Bed {
  tests::MemoryApi api{base::real_clock()};
  tests::MemoryEvents events;
  tests::MemoryRecorder recorder;
  Controllers controllers{api, events, recorder, base::real_clock(), {}};
};

TEST_CASE("controllers that are stopped while they start do not run afterwards") {
  SUCCEED("no race, no crash");
  for (int round = 0; round < 20; ++round) {
    Bed bed;
    std::latch both(2);
    std::thread elector([&] {
      both.arrive_and_wait();
      bed.controllers.start();
    });
    both.arrive_and_wait();
    bed.controllers.stop();
    elector.join();
    // Whoever came first: nothing runs, so everything may be freed.
  }
}

TEST_CASE("controllers that were stopped never start") {
  Bed bed;
  bed.controllers.stop();
  bed.controllers.start();
  bed.controllers.stop();
  CHECK_FALSE(bed.controllers.ready());
}

TEST_CASE("controllers that run are ready once they have read everything") {
  Bed bed;
  bed.controllers.start();
  while (!bed.controllers.ready())
    std::this_thread::yield();
  bed.controllers.stop();
  bed.controllers.stop();
}

}  // namespace
}  // namespace sparkcron
