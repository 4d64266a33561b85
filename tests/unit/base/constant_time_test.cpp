#include "base/constant_time.h"

#include <string>

#include "tests/support/catch.h"

namespace {

TEST_CASE("secrets are equal when every byte is") {
  struct Case {
    std::string_view a;
    std::string_view b;
    bool equal;
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {.a = "", .b = "", .equal = true},
      {.a = {}, .b = "", .equal = true},
      {.a = "secret", .b = "secret", .equal = true},
      {.a = "secret", .b = "Secret", .equal = false},
      {.a = "secret", .b = "secreT", .equal = false},
      {.a = "", .b = "secret", .equal = false},
      // Neither a beginning nor a repetition is enough.
      {.a = "secret", .b = "sec", .equal = false},
      {.a = "aaaa", .b = "aa", .equal = false},
      {.a = "a\0b"sv, .b = "a\0b"sv, .equal = true},
      {.a = "a\0b"sv, .b = "a\0c"sv, .equal = false},
      {.a = "\xff", .b = "\x7f", .equal = false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.a, c.b);
    CHECK(base::equal_in_constant_time(c.a, c.b) == c.equal);
    CHECK(base::equal_in_constant_time(c.b, c.a) == c.equal);
  }
}

TEST_CASE("one other bit anywhere makes another secret") {
  const std::string secret(64, 'k');
  for (size_t i = 0; i < secret.size(); ++i) {
    std::string other = secret;
    other[i] = static_cast<char>(other[i] ^ 1);
    CAPTURE(i);
    CHECK_FALSE(base::equal_in_constant_time(secret, other));
  }
}

}  // namespace
