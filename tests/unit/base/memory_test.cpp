#include "base/memory.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"

TEST_CASE("memory that was freed goes back to the system") {
  const size_t before = base::unused_memory();
  {
    // Pieces too small for a mapping of their own, and one that stays above them all.
    std::vector<std::unique_ptr<std::string>> pieces;
    for (int i = 0; i < 100'000; ++i)
      pieces.push_back(std::make_unique<std::string>(1'000, 'x'));
    static std::unique_ptr<std::string> last;
    last = std::make_unique<std::string>(1'000, 'y');
    pieces.clear();
  }
  const size_t burst = base::unused_memory();
  if (burst < 50'000'000) {
    SUCCEED("this allocator keeps nothing: " << before << " bytes before, " << burst << " after");
    return;
  }
  CHECK_FALSE(base::return_unused_memory(burst * 2));
  CHECK(base::return_unused_memory(1'000'000));
  CHECK(base::unused_memory() < burst / 4);
}
