#include "base/rfc3339.h"

#include "tests/support/catch.h"

using base::parse_rfc3339;

TEST_CASE("rfc3339 reads what Kubernetes and people write") {
  struct Case {
    std::string_view text;
    std::string_view utc;
  };
  const Case cases[] = {
      {.text = "2026-03-08T07:00:00Z", .utc = "2026-03-08T07:00:00.000000Z"},
      {.text = "2026-03-08t03:00:00-04:00", .utc = "2026-03-08T07:00:00.000000Z"},
      {.text = "2026-03-08T07:00:00.5Z", .utc = "2026-03-08T07:00:00.500000Z"},
      {.text = "2026-03-08T07:00:00.1239999Z", .utc = "2026-03-08T07:00:00.123000Z"},
      {.text = "1969-12-31T23:59:59.250Z", .utc = "1969-12-31T23:59:59.250000Z"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.text) {
      const auto time = parse_rfc3339(c.text);
      REQUIRE(time.has_value());
      CHECK(base::format_rfc3339_micro(*time) == c.utc);
    }
  }
}

TEST_CASE("rfc3339 refuses what is not a time, in words") {
  for (const char* text :
       {"", "2026-03-08", "2026-03-08T07:00:00", "2026-02-30T00:00:00Z", "2026-03-08T24:00:00Z",
        "2026-03-08T07:00:00.Z", "2026-03-08T07:00:00Zx", "2026-03-08T07:00:00+0400"}) {
    const auto time = parse_rfc3339(text);
    REQUIRE_FALSE(time.has_value());
    CHECK(time.error().message ==
          "\"" + std::string(text) + "\" is not an RFC 3339 time such as 2026-03-08T07:00:00Z");
  }
}
