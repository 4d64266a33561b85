#include "kube/server/rest/request_info.h"

#include <vector>

namespace kube::server::rest {
namespace {

constexpr size_t kMaxSegments =
    10;  // /apis/G/V/watch/namespaces/NS/RESOURCE/NAME/SUBRESOURCE and one more

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && segments.size() <= kMaxSegments) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  }
  return segments;
}

// namespaces/NS/… is the namespace itself only in these forms.
bool names_a_namespace(const std::vector<std::string_view>& rest) {
  return rest.size() <= 2 || (rest.size() == 3 && (rest[2] == "status" || rest[2] == "finalize"));
}

}  // namespace

std::optional<RequestInfo> parse_path(std::string_view path) {
  auto segments = segments_of(path);
  if (segments.empty()) return std::nullopt;
  RequestInfo info;
  size_t next = 1;
  if (segments[0] == "apis") {
    if (segments.size() > 1) info.group = segments[1];
    next = 2;
  } else if (segments[0] != "api") {
    return std::nullopt;
  }
  if (segments.size() > next) info.version = segments[next];
  if (segments.size() <= next + 1) return info;
  std::vector<std::string_view> rest(segments.begin() + static_cast<std::ptrdiff_t>(next) + 1,
                                     segments.end());
  if (rest[0] == "watch" && rest.size() > 1) {
    info.watch = true;
    rest.erase(rest.begin());
  }
  if (rest[0] == "namespaces" && !names_a_namespace(rest)) {
    info.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (rest.size() > 3) return std::nullopt;
  info.plural = rest[0];
  if (rest.size() > 1) info.name = rest[1];
  if (rest.size() > 2) info.subresource = rest[2];
  return info;
}

}  // namespace kube::server::rest
