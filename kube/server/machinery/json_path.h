#pragma once

// JsonPath: the subset of JSON paths that printer columns use: .a.b, ['a.b'], [0], [-1], [*],
// [?(@.type=="Ready")]. Results are bounded. Threads: immutable values.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

namespace kube::server::machinery {

class JsonPath {
 public:
  // Error: what cannot be understood, in words.
  static tl::expected<JsonPath, std::string> parse(std::string_view text);
  // At most 1000 values, in order; pointers into the object.
  [[nodiscard]] std::vector<const nlohmann::json*> find(const nlohmann::json& object) const;

 private:
  struct Step;
  std::vector<std::shared_ptr<const Step>> steps_;
};

}  // namespace kube::server::machinery
