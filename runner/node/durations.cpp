#include "runner/node/durations.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::node {

std::chrono::seconds bounded_seconds(int64_t seconds) {
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLongestTime.count()));
}

std::chrono::seconds seconds_at(const nlohmann::json& object,
                                std::initializer_list<std::string_view> path,
                                std::chrono::seconds otherwise) {
  const auto given = base::integer_at(object, path);
  return given ? bounded_seconds(*given) : otherwise;
}

}  // namespace runner::node
