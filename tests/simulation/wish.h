#pragma once

// What `kubectl annotate` leaves in metadata.managedFields of a trigger: it is no part of what
// somebody applies, so it goes when it is taken up.

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"

namespace simulation {

inline nlohmann::json managed_by_annotate() {
  const std::string field = "f:" + std::string(config::kTriggerAnnotation);
  return nlohmann::json::array(
      {{{"manager", "kubectl-annotate"},
        {"operation", "Update"},
        {"fieldsV1", {{"f:metadata", {{"f:annotations", {{field, nlohmann::json::object()}}}}}}}}});
}

}  // namespace simulation
