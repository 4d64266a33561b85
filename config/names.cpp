#include "config/names.h"

namespace config {

const kube::ResourceType& spark_applications() {
  static const kube::ResourceType type{kGroup, kVersion, "sparkapplications", kApplicationKind,
                                       true};
  return type;
}

const kube::ResourceType& scheduled_spark_applications() {
  static const kube::ResourceType type{kGroup, kVersion, "scheduledsparkapplications",
                                       kScheduleKind, true};
  return type;
}

}  // namespace config
