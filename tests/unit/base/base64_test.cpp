#include "base/base64.h"

#include "tests/support/catch.h"

namespace {

TEST_CASE("base64 is decoded") {
  struct Case {
    const char* text;
    std::optional<std::string> bytes;
  };
  const Case cases[] = {
      {.text = "", .bytes = ""},
      {.text = "Zg==", .bytes = "f"},
      {.text = "Zm8=", .bytes = "fo"},
      {.text = "Zm9v", .bytes = "foo"},
      {.text = "Zm9vYg", .bytes = "foob"},
      {.text = "Zm9v\nYmE=\n", .bytes = "fooba"},
      {.text = "+/+/", .bytes = "\xfb\xff\xbf"},
      {.text = "Zg=", .bytes = std::nullopt},
      {.text = "Zg==Zg==", .bytes = std::nullopt},
      {.text = "Zm9vY", .bytes = std::nullopt},
      {.text = "Zm9v====", .bytes = std::nullopt},
      {.text = "Zm-v", .bytes = std::nullopt},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.text) {
      CHECK(base::decode_base64(c.text) == c.bytes);
    }
  }
}

TEST_CASE("what is encoded decodes to itself") {
  for (const char* text : {"", "a", "ab", "abc", "abcd", "\xff\xfe secret"}) {
    CAPTURE(text);
    CHECK(base::decode_base64(base::encode_base64(text)) == std::string(text));
  }
  CHECK(base::encode_base64("b") == "Yg==");
}

}  // namespace
