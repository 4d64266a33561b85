#include "base/yaml/yaml.h"

#include <cmath>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "base/json.h"
#include "tests/support/catch.h"

namespace yaml = base::yaml;
using nlohmann::json;

namespace {

json parsed(std::string_view text) {
  auto value = yaml::parse(text);
  REQUIRE(value);
  return std::move(*value);
}

std::string refusal(std::string_view text, const yaml::Limits& limits = {}) {
  const auto value = yaml::parse(text, limits);
  return value ? "accepted: " + base::dump_json(*value) : value.error().message;
}

}  // namespace

TEST_CASE("plain scalars mean what kubectl reads", "[yaml]") {
  struct Case {
    std::string text;
    std::string json;
  };
  // Recorded from kubectl 1.32.
  const Case cases[] = {
      {"y", "true"},
      {"Y", "true"},
      {"n", "false"},
      {"yes", "true"},
      {"no", "false"},
      {"on", "true"},
      {"OFF", "false"},
      {"tRue", R"("tRue")"},
      {"~", "null"},
      {"null", "null"},
      {"Null", "null"},
      {"nULL", R"("nULL")"},
      {"", "null"},
      {"0400", "256"},
      {"0o17", "15"},
      {"0o", R"("0o")"},
      {"0x1F", "31"},
      {"-0x1f", "-31"},
      {"0x", R"("0x")"},
      {"0b11", "3"},
      {"+0b1", "1"},
      {"1_000", "1000"},
      {"1__0", "10"},
      {"_1", R"("_1")"},
      {"0x1_f", "31"},
      {"1_0.5", "10.5"},
      {"00", "0"},
      {"08", "8"},
      {"-0", "0"},
      {"+1", "1"},
      {"--1", R"("--1")"},
      {"1e3", "1000"},
      {"1e+3", "1000"},
      {"12e03", "12000"},
      {"5e-1", "0.5"},
      {"1.", "1"},
      {"1.0", "1"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"+.5", "0.5"},
      {".5e3", "500"},
      {"1.5e-7", "1.5e-07"},
      {"1e400", R"("1e400")"},
      {"123456789012345678901234567890", "1.2345678901234568e+29"},
      {"+", R"("+")"},
      {".", R"(".")"},
      {"=", R"("=")"},
      {"2026-03-08", R"("2026-03-08")"},
      {"12:30:45", R"("12:30:45")"},
      {"*/5 * * * *", "error"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION("'" << c.text << "'") {
      const auto value = yaml::parse("x: " + c.text + "\n");
      CHECK((value ? base::dump_json(value->at("x")) : "error") == c.json);
    }
  }
}

TEST_CASE("quotes and tags decide about the type", "[yaml]") {
  CHECK(parsed("{a: 'yes', b: \"1\", c: !!str 1, d: !!int 7, e: !!float 2, f: !!null ~}") ==
        json::parse(R"({"a":"yes","b":"1","c":"1","d":7,"e":2,"f":null})"));
  CHECK(refusal("a: !!int x") ==
        "line 1, column 4: tag \"tag:yaml.org,2002:int\" is not supported here");
  CHECK(refusal("a: !mine x") == "line 1, column 4: tag \"!mine\" is not supported here");
  CHECK(refusal("!!set {a: 1}") ==
        "line 1, column 1: tag \"tag:yaml.org,2002:set\" is not supported here");
  CHECK(refusal("a: .inf") == "line 1, column 4: .inf cannot be written as JSON");
}

TEST_CASE("keys become strings as in kubectl", "[yaml]") {
  CHECK(parsed("1: a\non: b\n0400: c\n1.5: d") ==
        json::parse(R"({"1":"a","true":"b","256":"c","1.5":"d"})"));
  CHECK(refusal("~: a") == "line 1, column 1: a key must not be null");
  CHECK(refusal("[a]: b") == "line 1, column 1: a key must be a scalar");
  CHECK(refusal("? {a: b}\n: c") == "line 1, column 3: a key must be a scalar");
}

TEST_CASE("block text, comments and nesting of manifests", "[yaml]") {
  CHECK(parsed(R"(# a comment
metadata:
  name: etl   # another
spec:
  list:
  - a: 1
    b: |
      line one
        line two
  - folded: >-
      one
      two
  empty:
)") == json::parse(R"({"metadata":{"name":"etl"},"spec":{"list":[{"a":1,
      "b":"line one\n  line two\n"},{"folded":"one two"}],"empty":null}})"));
}

TEST_CASE("aliases and merge keys are expanded", "[yaml]") {
  CHECK(parsed("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}") ==
        json::parse(R"({"a":{"k":1,"l":2},"b":{"k":1,"l":2},"c":{"k":1,"l":3}})"));
  CHECK(parsed("- &a {k: 1}\n- &b {k: 2, m: 2}\n- {l: 3, <<: [*a, *b]}")[2] ==
        json::parse(R"({"k":1,"l":3,"m":2})"));
  CHECK(parsed("a: &s text\nb: *s\n*s : key") ==
        json::parse(R"({"a":"text","b":"text","text":"key"})"));
  CHECK(refusal("a: {<<: 1}") == "line 1, column 9: only maps can be merged by <<");
  CHECK(refusal("a: &x [*x]") == "line 1, column 8: an alias inside the value that it names");
}

TEST_CASE("errors name line and column", "[yaml]") {
  CHECK(refusal("a: 1\nb: 2\na: 3") == "line 3, column 1: duplicate key \"a\"");
  CHECK(refusal("spec:\n  name: a\n  x: 1\n  name: b") ==
        "line 4, column 3: duplicate key \"name\"");
  CHECK(refusal("a: [1, 2") == "line 1, column 1: end of sequence flow not found");
  CHECK(refusal("a: b: c") == "line 1, column 5: illegal map value");
  CHECK(refusal("a: *nobody") == "line 1, column 4: the referenced anchor is not defined");
  CHECK(refusal("a: 1\n---\nb: 2") == "one YAML document expected, got 2");
}

TEST_CASE("a stream has many documents, empty ones dropped", "[yaml]") {
  const auto documents = yaml::parse_all("---\n# nothing\n---\na: 1\n---\n---\nb: 2\n...\n");
  REQUIRE(documents);
  REQUIRE(documents->size() == 2);
  CHECK((*documents)[0] == json::parse(R"({"a":1})"));
  CHECK((*documents)[1] == json::parse(R"({"b":2})"));
  CHECK(parsed("").is_null());
  CHECK(parsed("# only a comment\n").is_null());
}

TEST_CASE("size, depth and expansion are bounded", "[yaml]") {
  SECTION("bytes") {
    CHECK(refusal("a: 12345", {.bytes = 5}) == "YAML is larger than 5 bytes");
  }
  SECTION("depth") {
    CHECK(refusal(std::string(100, '[') + std::string(100, ']')) ==
          "line 1, column 65: nested deeper than 64 levels");
    CHECK_FALSE(yaml::parse(std::string(100'000, '[')));
    CHECK_FALSE(yaml::parse(std::string(100'000, '{')));
    std::string block;
    for (int i = 0; i < 1'000; ++i)
      block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
    CHECK(refusal(block) == "line 65, column 65: nested deeper than 64 levels");
  }
  SECTION("depth through aliases") {
    std::string text = "- &a0 [x]\n";
    for (int i = 1; i < 100; ++i)
      text += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
    CHECK_THAT(refusal(text), Catch::EndsWith("nested deeper than 64 levels"));
  }
  SECTION("a bomb of aliases") {
    std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; ++i) {
      const std::string name = std::to_string(i);
      const std::string alias = "*a" + std::to_string(i - 1);
      text += "a" + name + ": &a" + name + " [" + alias;
      for (int k = 1; k < 10; ++k)
        text += "," + alias;
      text += "]\n";
    }
    CHECK_THAT(refusal(text), Catch::EndsWith("anchors and aliases copy more than 100000 values"));
  }
  SECTION("many aliases of one long text") {
    std::string text = "- &a " + std::string(1'000'000, 'x') + "\n";
    for (int i = 0; i < 100; ++i)
      text += "- *a\n";
    CHECK_THAT(refusal(text), Catch::EndsWith("anchors and aliases copy more than 100000 values"));
  }
  SECTION("anchors around anchors, each of which keeps a copy") {
    std::string open;
    std::string close;
    for (int i = 0; i < 60; ++i) {
      open += "&a" + std::to_string(i) + " [";
      close += "]";
    }
    const auto around = [&](size_t bytes) { return open + std::string(bytes, 'x') + close; };
    CHECK_THAT(refusal(around(1'800'000)),
               Catch::EndsWith("anchors and aliases copy more than 100000 values"));
    CHECK(yaml::parse(around(50'000)));  // 60 copies of 50 kB are 3 MB
  }
  SECTION("values that are written out are not copies") {
    std::string text;
    for (int i = 0; i < 200'000; ++i)
      text += "- 1\n";
    CHECK(parsed(text).size() == 200'000);
    CHECK(refusal("[1, 2, 3]", {.nodes = 3}) ==
          "line 1, column 8: more than 3 values, aliases counted each time");
  }
}

TEST_CASE("what is dumped reads well", "[yaml]") {
  CHECK(yaml::dump(json::parse(R"({
    "spec": {"schedule": "*/5 * * * *", "args": ["a", "b c", ""], "empty": {}, "none": [],
             "list": [{"x": 1, "y": [true]}, [1, [2]]], "text": "one\ntwo\n", "cut": "one\ntwo",
             "version": "1.0", "flag": "yes", "date": "2026-03-08", "colon": "a: b", "hash": "a #b",
             "octal": "0400", "null": "null", "quote": "say \"x\"", "tab": "a\tb"},
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "f": 1.5, "y": null})")) ==
        R"(apiVersion: sparkoperator.k8s.io/v1beta2
f: 1.5
spec:
  args:
  - a
  - b c
  - ""
  colon: "a: b"
  cut: |-
    one
    two
  date: "2026-03-08"
  empty: {}
  flag: "yes"
  hash: "a #b"
  list:
  - x: 1
    "y":
    - true
  - - 1
    - - 2
  none: []
  "null": "null"
  octal: "0400"
  quote: say "x"
  schedule: "*/5 * * * *"
  tab: "a\tb"
  text: |
    one
    two
  version: "1.0"
"y": null
)");
  CHECK(yaml::dump(json("x")) == "x\n");
  CHECK(yaml::dump(json(nullptr)) == "null\n");
  CHECK(yaml::dump(json::array()) == "[]\n");
}

TEST_CASE("whatever is dumped is read back, by us and as text by yaml-cpp", "[yaml]") {
  const char* const texts[] = {
      "",           " ",
      "a",          "-",
      "- a",        "?",
      "? a",        ":",
      ": a",        "a:",
      "a: b",       "a #b",
      "#a",         "&a",
      "*a",         "!a",
      "|",          ">",
      "'a'",        "\"a\"",
      "%a",         "@a",
      "`a",         "{a}",
      "[a]",        "a,b",
      "---",        "...",
      "--- a",      "~",
      "null",       "yes",
      "No",         "y",
      "1",          "-1",
      "+1",         "0x1f",
      "1e3",        "1_0",
      ".5",         ".inf",
      "2026-03-08", "1:30",
      "<<",         "=",
      "a\nb",       "a\nb\n",
      "a\n\n",      "\n",
      "\na",        " a\nb",
      "a\n b\n",    "a\n\nb\n\n\n",
      "\t",         "a\t",
      "a\tb\nc",    "a ",
      " a",         "\x01",
      "\x7f",       "\u0085",
      "\u2028",     "\ufeff",
      "é",          "😀",
      "a\r\nb",     "\\",
      "\"",         "a\\b",
      "a'b",        "-a",
      "?a",         ":a",
      "a:b",        "--",
      "a\n#b\n",    "a\n---\n",
      "a\n  \nb",   "true",
      "TRUE",       "trailing space \nb",
      "0",          "00",
      "08",         "1.",
      "\u00a0",
  };
  for (const char* text : texts) {
    DYNAMIC_SECTION(json(text).dump()) {
      for (const json& value :
           {json(text), json{{"k", text}}, json::array({text, text}), json{{text, "v"}},
            json{{"a", {{"b", json::array({{{"c", text}, {"d", text}}})}}}}}) {
        const std::string dumped = yaml::dump(value);
        INFO(dumped);
        const auto again = yaml::parse(dumped);
        REQUIRE(again);
        CHECK(*again == value);
      }
      CHECK(YAML::Load(yaml::dump(json{{"k", text}}))["k"].as<std::string>() == text);
    }
  }
}

TEST_CASE("text that is not UTF-8 is replaced, not written", "[yaml]") {
  for (const char* bad : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80"}) {
    const auto again = yaml::parse(yaml::dump(json{{"k", bad}}));
    REQUIRE(again);
    CHECK_THAT(again->at("k").get<std::string>(), Catch::Contains("\xEF\xBF\xBD"));
  }
}
