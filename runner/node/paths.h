#pragma once

// PathMap: where a path inside the pod lies on this machine. Nothing is mounted, so every path that
// the pod's own text mentions is rewritten: arguments, environment values, spark.properties.
//
// One pass, longest mount first, only where a path begins and at a folder's boundary; "local:" and
// "file:" URIs are paths, "s3a://bucket/opt/spark" and other machines' paths are not.
// Limits: paths that a program builds by itself are out of reach. Threads: plain values.

#include <string>
#include <string_view>
#include <vector>

namespace runner::node {

struct PathRule {
  std::string from;  // absolute, without a slash at the end
  std::string to;
};

class PathMap {
 public:
  void add(std::string from, std::string to);
  // All mentions in a text.
  [[nodiscard]] std::string rewrite(std::string_view text) const;
  // spark.properties: the values, except of keys that speak of the executors' own pods, whose paths
  // are rewritten when those pods start.
  [[nodiscard]] std::string rewrite_properties(std::string_view text) const;

 private:
  std::vector<PathRule> rules_;  // longest `from` first
};

}  // namespace runner::node
