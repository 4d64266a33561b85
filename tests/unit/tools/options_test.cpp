#include "tools/sparkcron/options.h"

#include "tests/support/catch.h"

namespace sparkcron {
namespace {

TEST_CASE("--listen takes a host and a port") {
  struct Case {
    std::string text;
    std::string host;
    uint16_t port;
    bool loopback;
  };
  const Case cases[] = {
      {.text = "127.0.0.1:0", .host = "127.0.0.1", .port = 0, .loopback = true},
      {.text = ":9000", .host = "127.0.0.1", .port = 9000, .loopback = true},
      {.text = "[::1]:8680", .host = "::1", .port = 8680, .loopback = true},
      {.text = "0.0.0.0:8680", .host = "0.0.0.0", .port = 8680, .loopback = false}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.text) {
      const auto address = parse_listen(c.text);
      REQUIRE(address.has_value());
      CHECK(address->host == c.host);
      CHECK(address->port == c.port);
      CHECK(address->is_loopback() == c.loopback);
    }
  }
  for (const char* text : {"", "8680", "localhost", "a:b", "a:70000", "a:"}) {
    const auto address = parse_listen(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().message == "--listen " + std::string(text) +
                                         ": HOST:PORT expected, such as 127.0.0.1:8680 or [::1]:0");
  }
}

TEST_CASE("--node-capacity takes any of its parts") {
  const auto all = parse_capacity("cpu=1.5,memory=16Gi,pods=50");
  REQUIRE(all.has_value());
  CHECK(all->cpu == 1.5);
  CHECK(all->memory_bytes == uint64_t{16} << 30);
  CHECK(all->pods == 50);

  const auto none = parse_capacity("");
  REQUIRE(none.has_value());
  CHECK_FALSE(none->cpu.has_value());
  CHECK(none->pods == 64);

  for (const char* text :
       {"cpu", "cpu=0", "memory=12Q", "pods=-1", "gpus=2", "memory=99999999999999Ti"}) {
    const auto capacity = parse_capacity(text);
    REQUIRE_FALSE(capacity.has_value());
    CHECK(capacity.error().message == "--node-capacity: \"" + std::string(text) +
                                          "\": expected the likes of cpu=8,memory=16Gi,pods=50");
  }
}

TEST_CASE("--storage-quota takes a size") {
  CHECK(*parse_storage_quota("2Gi") == uint64_t{2} << 30);
  CHECK(*parse_storage_quota("500M") == 500'000'000);
  CHECK(*parse_storage_quota("2.5Gi") == uint64_t{5} << 29);
  CHECK(*parse_storage_quota("1048576") == uint64_t{1} << 20);
  CHECK(Options().storage_quota == uint64_t{2} << 30);
  for (const char* text : {"", "1", "1023Ki", "-2Gi", "2GiB", "99999999999999Ti"}) {
    const auto quota = parse_storage_quota(text);
    REQUIRE_FALSE(quota.has_value());
    CHECK(quota.error().message == "--storage-quota " + std::string(text) +
                                       ": a size of at least 1Mi expected, such as 2Gi");
  }
}

}  // namespace
}  // namespace sparkcron
