#include "base/properties.h"

#include <random>

#include "tests/support/catch.h"

using base::format_properties;
using base::parse_properties;
using base::Properties;

// What java.util.Properties.load of JDK 17 reads.
TEST_CASE("properties are read as Java reads them") {
  struct Case {
    std::string_view name;
    std::string_view text;
    Properties properties;
  };
  const Case cases[] = {
      {.name = "equals, colon, blank",
       .text = "a=1\nb:2\nc 3\n",
       .properties = {{"a", "1"}, {"b", "2"}, {"c", "3"}}},
      {.name = "blanks around", .text = "  a \t= \t1 \n", .properties = {{"a", "1 "}}},
      {.name = "comments",
       .text = "# x\n ! y\na=1 # no comment",
       .properties = {{"a", "1 # no comment"}}},
      {.name = "escaped separators", .text = "k\\:\\=\\#=v", .properties = {{"k:=#", "v"}}},
      {.name = "continued", .text = "a=1,\\\n   2,\\\r\n   3", .properties = {{"a", "1,2,3"}}},
      {.name = "escapes", .text = "a=\\ \\t\\n\\\\x\\q", .properties = {{"a", " \t\n\\xq"}}},
      {.name = "unicode",
       .text = "a=\\u00e9\\ud83d\\ude00",
       .properties = {{"a", "\xC3\xA9\xF0\x9F\x98\x80"}}},
      {.name = "no value", .text = "a\nb=\n", .properties = {{"a", ""}, {"b", ""}}},
      {.name = "empty key", .text = "=v", .properties = {{"", "v"}}},
      {.name = "last one wins", .text = "a=1\na=2", .properties = {{"a", "2"}}},
      {.name = "backslash at the end", .text = "a=b\\", .properties = {{"a", "b"}}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(parse_properties(c.text) == c.properties);
    }
  }
}

TEST_CASE("properties files of people are read") {
  const Properties properties = parse_properties(
      "# comment\n! another\r\n\r\n  spark.a   one \r\nspark.b: two\nspark.c=th\\\n    ree\n"
      "spark.d\nspark.e = \\u00e9\\u0041\nspark\\ f=6\nspark.g==7\nspark.h=\\");
  CHECK(properties == Properties{{"spark.a", "one "},
                                 {"spark.b", "two"},
                                 {"spark.c", "three"},
                                 {"spark.d", ""},
                                 {"spark.e", "éA"},
                                 {"spark f", "6"},
                                 {"spark.g", "=7"},
                                 {"spark.h", ""}});
}

TEST_CASE("properties are written as Java writes them") {
  CHECK(format_properties({{"k:=#! ", "  a: b\\\t\n"}, {"a", ""}}) ==
        "a=\nk\\:\\=\\#\\!\\ =\\  a\\: b\\\\\\t\\n\n");
}

TEST_CASE("whatever is written reads back the same") {
  std::mt19937 random(7);
  static constexpr std::string_view kAlphabet = "ab =:#!\\\t\n\r\f'\"/\xC3\xA9";
  for (int round = 0; round < 2000; ++round) {
    Properties properties;
    for (int entry = 0; entry < 4; ++entry) {
      std::string texts[2];
      for (std::string& text : texts)
        for (auto length = random() % 8; length > 0; --length)
          text += kAlphabet[random() % kAlphabet.size()];
      properties["k" + texts[0]] = texts[1];
    }
    REQUIRE(parse_properties(format_properties(properties)) == properties);
  }
}

TEST_CASE("any text is read without harm") {
  std::mt19937 random(11);
  static constexpr std::string_view kAlphabet = "a\\u=\n\r :#0";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto length = random() % 30; length > 0; --length)
      text += kAlphabet[random() % kAlphabet.size()];
    const Properties once = parse_properties(text);
    REQUIRE(parse_properties(format_properties(once)) == once);
  }
}
