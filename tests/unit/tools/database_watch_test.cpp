#include "tools/sparkcron/database_watch.h"

#include <atomic>
#include <chrono>
#include <string>

#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_file.h"

namespace sparkcron {
namespace {

using std::chrono::seconds;

TEST_CASE("a database that is gone is said at once and every ten minutes") {
  const tests::LogFile log;
  tests::FakeClock clock;
  std::atomic<bool> gone{false};
  std::atomic<int> looks{0};
  const DatabaseWatch watch({.missing = [&]() -> base::Status {
                               ++looks;
                               if (!gone) return {};
                               return base::failure(base::Code::NotFound, "api.db was removed");
                             },
                             .try_write = [] {}},
                            clock);
  // Half a minute: one look.
  const auto look = [&](int times) {
    for (int i = 0; i < times; ++i) {
      clock.await_waiters(1);
      const int next = looks + 1;
      clock.advance(seconds(30));
      REQUIRE(tests::await([&] { return looks == next; }));
      clock.await_waiters(1);  // and has said what it saw
    }
  };
  const auto complaints = [&] { return log.lines_with("api.db was removed"); };
  look(3);
  CHECK(looks == 3);
  CHECK(complaints() == 0);
  gone = true;
  look(1);
  CHECK(complaints() == 1);
  look(20);
  CHECK(complaints() == 1);
  look(1);
  CHECK(complaints() == 2);
  // Back, and gone again: news.
  gone = false;
  look(1);
  gone = true;
  look(1);
  CHECK(complaints() == 3);
  CHECK(looks == 27);
}

TEST_CASE("what the disk refused is tried again every half minute, whatever else is wrong") {
  const tests::LogFile log;
  tests::FakeClock clock;
  std::atomic<int> tries{0};
  const DatabaseWatch watch({.missing = []() -> base::Status {
                               return base::failure(base::Code::NotFound, "api.db was removed");
                             },
                             .try_write = [&] { ++tries; }},
                            clock);
  for (int look = 1; look <= 3; ++look) {
    clock.await_waiters(1);
    clock.advance(seconds(29));
    clock.await_waiters(1);
    CHECK(tries == look - 1);
    clock.advance(seconds(1));
    CHECK(tests::await([&] { return tries == look; }));
  }
}

TEST_CASE("a watch that ends does not wait for its next look") {
  tests::FakeClock clock;  // stands still
  std::atomic<int> looks{0};
  {
    const DatabaseWatch watch({.missing = {}, .try_write = [&] { ++looks; }}, clock);
    clock.await_waiters(1);
  }
  CHECK(looks == 0);
}

}  // namespace
}  // namespace sparkcron
