#include "kube/failures.h"

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace {

using kube::Failures;
using namespace std::chrono_literals;

const kube::ObjectKey kA{"n", "a"}, kB{"n", "b"};
const base::Error kDenied{base::Code::Refused, "denied by a webhook", {}};

TEST_CASE("failures are counted per key and end with a success") {
  tests::FakeClock clock;
  Failures failures(clock);
  CHECK(failures.failed(kA, {base::Code::Unavailable, "down", {}}) == 1);
  clock.advance(1s);
  CHECK(failures.failed(kA, kDenied) == 2);
  CHECK(failures.failed(kB, kDenied) == 1);
  CHECK(failures.size() == 2);
  const auto oldest = failures.oldest(1);
  REQUIRE(oldest.size() == 1);
  CHECK(oldest[0].key == kA);
  CHECK(oldest[0].error.message == "denied by a webhook");
  CHECK(oldest[0].since == clock.steady_now() - 1s);
  CHECK(oldest[0].count == 2);
  CHECK(failures.succeeded(kA).value().count == 2);
  CHECK_FALSE(failures.succeeded(kA));
  CHECK(failures.size() == 1);
}

TEST_CASE("a message of any size is kept short") {
  tests::FakeClock clock;
  Failures failures(clock);
  failures.failed(kA, {base::Code::Refused, std::string(1 << 20, 'x'), {}});
  CHECK(failures.oldest(9)[0].error.message.size() == 1024);
}

TEST_CASE("what fails for long is told from what failed just now") {
  tests::FakeClock clock;
  Failures failures(clock);
  failures.failed(kA, kDenied);
  CHECK(failures.lasting(1min) == 0);
  clock.advance(1min);
  failures.failed(kA, kDenied);
  failures.failed(kB, kDenied);
  CHECK(failures.lasting(1min) == 1);
  failures.succeeded(kA);
  CHECK(failures.lasting(1min) == 0);
}

}  // namespace
