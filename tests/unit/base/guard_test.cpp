#include "base/guard.h"

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>

#include "tests/support/catch.h"

namespace {

TEST_CASE("an exception in a guarded step is that step's error") {
  const base::Status thrown =
      base::guarded("reconcile a/b", [] { throw std::runtime_error("disk on fire"); });
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error().code == base::Code::Internal);
  CHECK(thrown.error().message == "reconcile a/b: disk on fire");

  const base::Status odd = base::guarded("look", [] { throw 7; });
  REQUIRE_FALSE(odd);
  CHECK(odd.error().message == "look: an exception without a text");
}

TEST_CASE("a lack of memory in a guarded step is that step's error") {
  const uint64_t before = base::caught_exceptions();
  const base::Result<int> result =
      base::guarded("list pods", []() -> int { throw std::bad_alloc(); });
  REQUIRE_FALSE(result);
  CHECK(result.error().code == base::Code::ResourceExhausted);
  CHECK(result.error().message == "list pods: out of memory");
  CHECK(base::caught_exceptions() > before);
}

TEST_CASE("what a guarded step returns passes through") {
  CHECK(base::guarded("x", [] { return 3; }) == 3);
  CHECK(base::guarded("x", [] {}));
  const base::Result<std::string> own = base::guarded(
      "x", []() -> base::Result<std::string> { return base::failure(base::Code::Gone, "old"); });
  REQUIRE_FALSE(own);
  CHECK(own.error().message == "old");
}

TEST_CASE("a thread whose loop throws begins anew and ends with a return") {
  std::atomic<int> calls = 0;
  std::thread thread = base::start_thread("a-name-longer-than-the-kernel-allows", [&] {
    if (++calls == 1) throw std::runtime_error("first time");
  });
  thread.join();
  CHECK(calls == 2);
}

}  // namespace
