#include "base/http/outbound.h"

#include "tests/support/catch.h"

using base::http::MemoryBudget;
using base::http::Outbound;

namespace {

std::shared_ptr<const std::string> text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

std::shared_ptr<MemoryBudget> budget(size_t limit = 1 << 20) {
  return std::make_shared<MemoryBudget>(limit);
}

}  // namespace

TEST_CASE("a burst of writes wakes the I/O thread once", "[http]") {
  int wakes = 0;
  Outbound outbound(100, budget(), [&] { ++wakes; });
  CHECK(outbound.write(text("a")));
  CHECK(outbound.write(text("b")));
  CHECK(outbound.write(text("c")));
  CHECK(wakes == 1);
  CHECK(outbound.take(2).data.size() == 2);
  CHECK(outbound.take(2).data.size() == 1);
  CHECK(outbound.take(2).data.empty());
  outbound.write(text("d"));
  CHECK(wakes == 2);
}

TEST_CASE("the last batch says so, also when nothing was queued", "[http]") {
  int wakes = 0;
  Outbound outbound(100, budget(), [&] { ++wakes; });
  SECTION("with data") {
    outbound.write(text("a"));
    outbound.close();
    CHECK_FALSE(outbound.write(text("b")));
    const auto batch = outbound.take(10);
    CHECK(batch.data.size() == 1);
    CHECK(batch.last);
    CHECK(wakes == 1);
  }
  SECTION("without") {
    outbound.close();
    outbound.close();
    CHECK(outbound.take(10).last);
    CHECK(wakes == 1);
  }
}

TEST_CASE("a backlog above the limit ends the stream", "[http]") {
  int wakes = 0;
  Outbound outbound(10, budget(), [&] { ++wakes; });
  CHECK(outbound.write(text("12345678")));
  CHECK(outbound.take(1).data.size() == 1);  // under way, still counted
  CHECK_FALSE(outbound.write(text("90x")));
  CHECK(outbound.closed());
  CHECK(outbound.overflowed());
  CHECK(wakes == 2);
  CHECK(outbound.take(1).overflow);
}

TEST_CASE("what was sent makes room", "[http]") {
  Outbound outbound(10, budget(), [] {});
  for (int i = 0; i < 100; ++i) {
    REQUIRE(outbound.write(text("1234567890")));
    outbound.take(1);
    outbound.sent(10);
  }
}

TEST_CASE("on_close runs once, at once when it is too late", "[http]") {
  Outbound outbound(10, budget(), [] {});
  int calls = 0;
  outbound.on_close([&] { ++calls; });
  outbound.end();
  outbound.end();
  CHECK(calls == 1);
  outbound.on_close([&] { ++calls; });
  CHECK(calls == 2);
  CHECK(outbound.closed());
}

TEST_CASE("empty data is dropped", "[http]") {
  Outbound outbound(10, budget(), [] {});
  CHECK(outbound.write(text("")));
  CHECK(outbound.write(nullptr));
  CHECK(outbound.take(10).data.empty());
}

TEST_CASE("a stream closes when its last owner lets go", "[http]") {
  auto outbound = std::make_shared<Outbound>(10, budget(), [] {});
  {
    base::http::StreamHandle handle(outbound);
  }
  CHECK(outbound->closed());
}

TEST_CASE("a text on its way to many streams is counted once", "[http]") {
  const auto shared = budget();
  const auto event = text(std::string(1'000, 'e'));
  Outbound first(1 << 20, shared, [] {});
  first.write(event);
  const size_t one = shared->used();
  CHECK(one >= 1'000);
  {
    Outbound second(1 << 20, shared, [] {});
    second.write(event);
    CHECK(shared->used() == one);
  }
  CHECK(shared->used() == one);
  first.take(1);
  CHECK(shared->used() == 0);
}

TEST_CASE("a stream ends itself when the memory of all streams is exhausted", "[http]") {
  int over = 0;
  const auto shared = std::make_shared<MemoryBudget>(100'000, [&] { ++over; });
  Outbound stuck(1 << 20, shared, [] {});
  int written = 0;
  while (stuck.write(text(std::string(1'000, 'e'))))
    ++written;
  CHECK(written < 125);  // a quarter above the limit
  CHECK(over > 0);       // whoever owns the streams was asked to act before
  CHECK(stuck.overflowed());
  CHECK(shared->used() == 0);
}
