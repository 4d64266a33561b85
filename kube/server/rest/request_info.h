#pragma once

// RequestInfo: what a path under /api and /apis means.
//
// Threads: pure function.

#include <optional>
#include <string>
#include <string_view>

namespace kube::server::rest {

struct RequestInfo {
  std::string group;  // "" for /api
  std::string version;
  std::string ns;      // "" = all namespaces, or cluster-scoped
  std::string plural;  // "" = the path names a group or version only
  std::string name;
  std::string subresource;
  bool watch = false;  // the old form of a watch: /api/v1/watch/…
};

// nullopt when the path has another shape.
std::optional<RequestInfo> parse_path(std::string_view path);

}  // namespace kube::server::rest
