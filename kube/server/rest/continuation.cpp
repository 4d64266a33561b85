#include "kube/server/rest/continuation.h"

#include <charconv>

namespace kube::server::rest {

// "5/namespace/name": no part can hold a slash.
std::string encode(const Continuation& continuation) {
  return std::to_string(continuation.revision) + "/" + continuation.ns + "/" + continuation.name;
}

std::optional<Continuation> decode_continuation(std::string_view token) {
  const size_t first = token.find('/');
  const size_t second = first == std::string_view::npos ? first : token.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Continuation result;
  const std::string_view revision = token.substr(0, first);
  const auto [end, problem] =
      std::from_chars(revision.data(), revision.data() + revision.size(), result.revision);
  if (problem != std::errc() || end != revision.data() + revision.size() ||
      result.revision < Continuation::kPresent) {
    return std::nullopt;
  }
  result.ns = token.substr(first + 1, second - first - 1);
  result.name = token.substr(second + 1);
  return result;
}

}  // namespace kube::server::rest
