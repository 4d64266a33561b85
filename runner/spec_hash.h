#pragma once

// spec_hash: whether two specs of a SparkApplication ask for the same run. An upgrade is no edit:
// the hash is that of what people wrote, in every version of this service and of the CRD.
//
// Threads: pure functions.

#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace runner {

// Of the spec without suspend and timeToLiveSeconds, and without what later versions of the CRD
// fill in. "" if there is no spec.
std::string spec_hash(const nlohmann::json& object);

// The same without where executors may be placed (affinity, nodeSelector, priorityClassName,
// schedulerName and tolerations of spec.executor): a driver that runs takes these over for new
// executors.
std::string restart_hash(const nlohmann::json& object);

// A default that a later CRD than the first fills into every object that it shows.
struct LaterDefault {
  std::string_view path;   // below spec; "*" is every item: "/driver/ports/*/protocol"
  std::string_view value;  // JSON
};
// Takes them out where they stand with their default value.
void drop_defaults(nlohmann::json& spec, std::span<const LaterDefault> defaults);

}  // namespace runner
