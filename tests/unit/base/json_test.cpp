#include "base/json.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

TEST_CASE("parse_json bounds depth and size before building") {
  const std::string deep(100'000, '[');
  const auto nested = base::parse_json(deep);
  REQUIRE_FALSE(nested.has_value());
  CHECK(nested.error().message == "JSON is nested deeper than 64 levels");

  const auto large = base::parse_json("[1, 2, 3]", {.bytes = 4, .depth = 64});
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code == base::Code::TooLarge);
}

TEST_CASE("parse_json tells where the syntax breaks") {
  const auto value = base::parse_json(R"({"a": tru})");
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().message == "not JSON: syntax error at byte 10");
}

TEST_CASE("accessors are total") {
  const auto value =
      base::parse_json(R"({"metadata": {"name": "x", "generation": 3, "ok": true}})");
  REQUIRE(value.has_value());
  CHECK(base::string_at(*value, {"metadata", "name"}) == "x");
  CHECK(base::string_at(*value, {"metadata", "generation"}).empty());
  CHECK(base::string_at(*value, {"metadata", "name", "deeper"}).empty());
  CHECK(base::integer_at(*value, {"metadata", "generation"}) == 3);
  CHECK(base::bool_at(*value, {"metadata", "ok"}) == true);
  CHECK_FALSE(base::integer_at(*value, {"spec"}).has_value());
}
