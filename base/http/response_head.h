#pragma once

// The head of an answer as bytes (RFC 9112), and the decision whether a body is compressed. Field
// values never carry a line break to the wire, whatever a handler put into them.
//
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http/message.h"

namespace base::http {

enum class AfterAnswer { KeepOpen, Close };

struct HeadOptions {
  int status = 200;
  AfterAnswer after = AfterAnswer::KeepOpen;
  std::optional<uint64_t> content_length;  // nullopt: chunked, or no body at all
  bool chunked = false;
  WallTime date{};
};

// Content-Length, Transfer-Encoding, Connection and Date of `headers` are replaced by ours.
std::string render_head(const Headers& headers, const HeadOptions& options);

// 1xx, 204 and 304 never have a body.
bool may_have_body(int status);

// Of an Accept-Encoding field: gzip is named, or "*", and not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

// A gzip member of the text; nullopt when zlib has no memory.
std::optional<std::string> gzip(std::string_view text);

}  // namespace base::http
