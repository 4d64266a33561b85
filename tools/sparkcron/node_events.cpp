#include "tools/sparkcron/node_events.h"

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace sparkcron {

nlohmann::json node_reference(const std::string& name) {
  return {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", name}}}};
}

void report_java(const base::Status& java, kube::EventRecorder& events, const std::string& node) {
  if (java) return;
  base::log_warning("sparkcron", "Drivers cannot start", {{"error", java.error().message}});
  events.record(node_reference(node), kube::EventType::Warning, "JavaMissing", "Starting",
                java.error().message);
}

}  // namespace sparkcron
