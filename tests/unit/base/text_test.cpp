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
