// The elector starts the controllers on its own thread while the main thread may be stopping them.

#include "tools/sparkcron/controllers.h"

#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

// Nothing is scheduled here, so nothing is recorded.
struct NoRecorder final : runner::RunRecorder {
  base::Status record_run(const runner::RunRecord&) override { return {}; }
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string&,
                                                          const std::string&) override {
    return std::nullopt;
  }
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string&,
                                                          base::WallTime) override {
    return std::vector<runner::RunRecord>();
  }
  base::Status record_skip(const runner::SkipRecord&) override { return {}; }
  base::Result<runner::RunCounts> counts(const kube::ObjectKey&, const std::string&,
                                         const runner::RunCounts&) override {
    return runner::RunCounts();
  }
};

struct Bed {
  tests::MemoryApi api{base::real_clock()};
  tests::MemoryEvents events;
  NoRecorder recorder;
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
  SUCCEED("ready, and stopped twice");
}

}  // namespace
}  // namespace sparkcron
