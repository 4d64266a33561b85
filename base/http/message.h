#pragma once

// Request and Response: HTTP messages as plain values, shared by the client and the server, and the
// percent-coding of request targets (RFC 3986, RFC 9112 section 3.2).
//
// Threads: plain values, no sharing.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base::http {

// Header fields in the order sent. Names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // Replaces every field of that name.
  void set(std::string_view name, std::string value);
  // The first value, or empty.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;  // upper case
  std::string path;    // percent-decoded, without the query: "/api/v1/pods"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in the order given
  Headers headers;
  std::string body;
  std::string peer;  // "127.0.0.1:53210"; server side only

  // The first value of a query parameter; nullopt when absent.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
  // Path and query, percent-encoded, as sent on the wire.
  [[nodiscard]] std::string target() const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// Percent-decoding of one path segment or query part ('+' is a blank in queries only).
// nullopt on a malformed escape or a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);
// Everything but letters, digits and "-._~" is escaped.
std::string percent_encode(std::string_view text);

// What stands in the first line of a request, decoded.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
};
// Of the origin form ("/a%20b?x=1"), the absolute form ("http://host/a") or "*". nullopt for
// anything else, a malformed escape or a NUL. A fragment is not a part of a target.
std::optional<Target> parse_target(std::string_view target);

// Names and tokens in headers compare without case (ASCII only).
bool equal_ignoring_case(std::string_view left, std::string_view right);

}  // namespace base::http
