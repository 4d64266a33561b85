#include "runner/node/predecessors.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/api.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

bool is_driver(const Json& pod) {
  return base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) == "driver";
}

}  // namespace

std::string schedule_of(const Json& pod) {
  return config::name_from_label(pod, config::kScheduledAppNameLabel);
}

Succession succession(const Json& elder, const Json& younger) {
  const kube::ObjectKey old_key = kube::key_of(elder);
  const kube::ObjectKey new_key = kube::key_of(younger);
  if (old_key.name.empty() || old_key.ns != new_key.ns) return Succession::None;
  if (old_key.name == new_key.name) return Succession::Always;
  if (!is_driver(elder) || !is_driver(younger)) return Succession::None;
  const std::string application = config::name_from_label(elder, config::kAppNameLabel);
  if (!application.empty() &&
      application == config::name_from_label(younger, config::kAppNameLabel))
    return Succession::Always;
  const std::string schedule = schedule_of(elder);
  return !schedule.empty() && schedule == schedule_of(younger) ? Succession::BySchedule
                                                               : Succession::None;
}

}  // namespace runner::node
