#include "kube/server/storage/object.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace kube::server::storage {

nlohmann::json Object::parse() const {
  auto value = nlohmann::json::parse(text, nullptr, false);
  CHECK(!value.is_discarded());  // the store wrote this text itself
  return value;
}

}  // namespace kube::server::storage
