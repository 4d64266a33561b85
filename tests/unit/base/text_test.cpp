#include "base/text.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

TEST_CASE("a text is cut between characters") {
  struct Case {
    std::string text;
    size_t most;
    std::string cut;
  };
  for (const Case& one : std::vector<Case>{{"short", 10, "short"},
                                           {"exact", 5, "exact"},
                                           {"longer", 4, "long"},
                                           {"aä", 2, "a"},
                                           {"aä", 3, "aä"},
                                           {"€", 2, ""},
                                           {"\x80\x80\x80", 2, ""}}) {
    CHECK(base::cut_text(one.text, one.most) == one.cut);
  }
}

TEST_CASE("what is UTF-8") {
  for (const char* text : {"", "a", "\xc2\x80", "ä€", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(base::is_utf8(text));
  struct Case {
    std::string what;
    std::string text;
  };
  for (const Case& one : std::vector<Case>{{"a byte that only goes on", "a\x80"},
                                           {"cut at its end", "ab\xe2\x82"},
                                           {"cut before the next",
                                            "\xc3"
                                            "a"},
                                           {"two bytes for one", "\xc1\xbf"},
                                           {"three bytes for two", "\xe0\x9f\xbf"},
                                           {"four bytes for three", "\xf0\x8f\xbf\xbf"},
                                           {"half of a pair", "\xed\xa0\x80"},
                                           {"beyond the last", "\xf4\x90\x80\x80"},
                                           {"no first byte", "\xff"}}) {
    INFO(one.what);
    CHECK_FALSE(base::is_utf8(one.text));
  }
}
