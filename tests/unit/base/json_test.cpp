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

TEST_CASE("one member can be left out, and is read all the same") {
  constexpr std::string_view kPath[] = {"a", "b"};
  struct Case {
    const char* name;
    const char* text;
    const char* kept;
  };
  const Case c = GENERATE(values<Case>({
      {"a scalar", R"({"a":{"b":1,"c":2}})", R"({"a":{"c":2}})"},
      {"a string at the end", R"({"a":{"c":2,"b":"x"},"d":null})", R"({"a":{"c":2},"d":null})"},
      {"null", R"({"a":{"b":null}})", R"({"a":{}})"},
      {"numbers and booleans", R"({"a":{"b":[1,-1,1.5,true,{"a":{"b":2}}]},"e":[]})",
       R"({"a":{},"e":[]})"},
      {"an empty object", R"({"a":{"b":{},"c":{"b":3}}})", R"({"a":{"c":{"b":3}}})"},
      {"twice", R"({"a":{"b":1,"b":{"x":[]},"c":1}})", R"({"a":{"c":1}})"},
      {"elsewhere", R"({"b":1,"c":{"b":2},"x":{"a":{"b":3}}})",
       R"({"b":1,"c":{"b":2},"x":{"a":{"b":3}}})"},
      {"in a list", R"({"a":[{"b":1}]})", R"({"a":[{"b":1}]})"},
      {"after a look-alike", R"({"c":{"x":{}},"a":{"x":{"b":1},"b":2}})",
       R"({"a":{"x":{"b":1}},"c":{"x":{}}})"},
      {"a root that is a list", R"([{"a":{"b":1}}])", R"([{"a":{"b":1}}])"},
  }));
  INFO(c.name);
  const auto value = base::parse_json(c.text, {.leave_out = kPath});
  REQUIRE(value.has_value());
  CHECK(value->dump() == c.kept);

  CHECK(base::parse_json(R"({"a":{"b":[}})", {.leave_out = kPath}).error().message ==
        "not JSON: syntax error at byte 12");
  CHECK(base::parse_json(R"({"a":{"b":[[[1]]]}})", {.depth = 4, .leave_out = kPath})
            .error()
            .message == "JSON is nested deeper than 4 levels");
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
