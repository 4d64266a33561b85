#include "kube/server/storage/object.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace kube::server::storage {

nlohmann::json Object::parse(std::span<const std::string_view> leave_out) const {
  auto value =
      base::parse_json(text, {.bytes = text.size(), .depth = text.size(), .leave_out = leave_out});
  CHECK(value.has_value());  // the store wrote this text itself
  return *std::move(value);
}

}  // namespace kube::server::storage
