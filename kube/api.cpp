#include "kube/api.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {

ObjectKey key_of(const Json& object) {
  return {base::string_at(object, {"metadata", "namespace"}),
          base::string_at(object, {"metadata", "name"})};
}

std::string uid_of(const Json& object) {
  return base::string_at(object, {"metadata", "uid"});
}

std::string resource_version_of(const Json& object) {
  return base::string_at(object, {"metadata", "resourceVersion"});
}

}  // namespace kube
