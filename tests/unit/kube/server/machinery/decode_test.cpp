#include "kube/server/machinery/decode.h"

#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

const kube::ResourceType kSchedules{"sparkoperator.k8s.io", "v1beta2", "scheduledsparkapplications",
                                    "ScheduledSparkApplication", true};

}  // namespace

TEST_CASE("a body keeps its last value and names what it gives twice") {
  const auto decoded = decode_json(
      R"({"spec": {"a": 1, "a": {"x": [1, 2.5, "s", null, true]}, "l": [{}, {"b": 1, "b": 2, "b": 3}]}})");
  REQUIRE(decoded.has_value());
  CHECK(decoded->value ==
        Json::parse(R"({"spec": {"a": {"x": [1, 2.5, "s", null, true]}, "l": [{}, {"b": 3}]}})"));
  CHECK(decoded->duplicate_fields == std::vector<std::string>{"spec.a", "spec.l[1].b"});
}

TEST_CASE("a body that is too deep, too long or not JSON is refused") {
  CHECK(decode_json(std::string(100'000, '[')).error().message ==
        "the body is nested deeper than 64 levels");
  CHECK(decode_json("[1, 2", {.bytes = 4, .depth = 64}).error().code == 413);
  CHECK(decode_json(R"({"a": tru})").error().message ==
        "the body is not JSON: syntax error at byte 10");
  CHECK_FALSE(decode_json("").has_value());
  CHECK_FALSE(decode_json("\"\xff\"").has_value());
}

TEST_CASE("field validation refuses, warns or keeps quiet") {
  const std::vector<std::string> duplicates = {"spec.a"};
  const std::vector<std::string> unknowns = {"spec.foo", "spec.bar"};
  const auto strict = check_fields(FieldValidation::Strict, kSchedules, duplicates, unknowns);
  REQUIRE_FALSE(strict.has_value());
  CHECK(strict.error().code == 400);
  CHECK(strict.error().message ==
        "ScheduledSparkApplication in version \"v1beta2\" cannot be handled as a "
        "ScheduledSparkApplication: strict decoding error: duplicate field \"spec.a\", unknown "
        "field \"spec.foo\", unknown field \"spec.bar\"");
  CHECK(check_fields(FieldValidation::Strict, kSchedules, {}, {}).has_value());
  CHECK(*check_fields(FieldValidation::Warn, kSchedules, duplicates, {"spec.foo"}) ==
        std::vector<std::string>{"duplicate field \"spec.a\"", "unknown field \"spec.foo\""});
  CHECK(check_fields(FieldValidation::Ignore, kSchedules, duplicates, unknowns)->empty());
  CHECK(parse_field_validation("Strict") == FieldValidation::Strict);
  CHECK(parse_field_validation("") == FieldValidation::Warn);
  CHECK(parse_field_validation("Loose").error().code == 422);
}

TEST_CASE("a warning fits into a header") {
  CHECK(warning_header("unknown field \"spec.a\"\n") == "299 - \"unknown field \\\"spec.a\\\" \"");
}
