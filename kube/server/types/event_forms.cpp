#include "kube/server/types/event_forms.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace kube::server::types {
namespace {

using nlohmann::json;

struct Renamed {
  const char* core;
  const char* fresh;
};
constexpr std::array<Renamed, 8> kRenamed = {{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
    {"reportingInstance", "reportingInstance"},
}};

void rename(json& event, const char* from, const char* to) {
  const auto found = event.find(from);
  if (found == event.end() || std::string_view(from) == to) return;
  json value = std::move(*found);
  event.erase(found);
  event[to] = std::move(value);
}

}  // namespace

json to_core_event(json event) {
  for (const Renamed& field : kRenamed)
    rename(event, field.fresh, field.core);
  return event;
}

json to_new_event(json event) {
  for (const Renamed& field : kRenamed)
    rename(event, field.core, field.fresh);
  return event;
}

}  // namespace kube::server::types
