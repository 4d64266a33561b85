// Percent-coding and request targets: what is decoded is encoded to something that decodes alike.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/http/message.h"
#include "base/http/response_head.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace http = base::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool plus_is_blank : {false, true}) {
    const auto decoded = http::percent_decode(text, plus_is_blank);
    if (decoded)
      CHECK(http::percent_decode(http::percent_encode(*decoded), plus_is_blank) == decoded);
  }
  if (const auto target = http::parse_target(text); target && target->path != "*") {
    http::Request request;
    request.path = target->path;
    request.query = target->query;
    const auto again = http::parse_target(request.target());
    CHECK(again.has_value());
    CHECK(again->path == target->path);
    // "?&=" has an empty name, which is written as "=": the same to who looks parameters up.
    CHECK(again->query == target->query);
  }
  static_cast<void>(http::accepts_gzip(text));
  const std::string head = http::render_head({{"X", std::string(text)}}, {});
  CHECK(head.find("\r\n\r\n") == head.size() - 4);
  return 0;
}
