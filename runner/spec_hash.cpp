#include "runner/spec_hash.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/sha256.h"

namespace runner {
namespace {

using nlohmann::json;

// They are no edit: in an object that was hashed before there was such a default, one counts as
// absent. A test compares this list with the CRD.
constexpr std::array<LaterDefault, 0> kLaterDefaults{};

// Spark reads the executors' pod template anew for every executor; all of these stand there.
constexpr std::array kPlacement = {"affinity", "nodeSelector", "priorityClassName", "schedulerName",
                                   "tolerations"};

void drop_default(json& at, std::string_view path, const json& value) {
  path.remove_prefix(1);  // its slash
  const size_t end = path.find('/');
  const std::string name(path.substr(0, end));
  if (name == "*") {
    if (!at.is_array() || end == std::string_view::npos) return;
    for (json& item : at)
      drop_default(item, path.substr(end), value);
    return;
  }
  if (!at.is_object() || !at.contains(name)) return;
  if (end != std::string_view::npos) return drop_default(at[name], path.substr(end), value);
  if (at[name] == value) at.erase(name);
}

// Without what no run depends on; null if there is no spec.
json relevant_spec(const json& object) {
  const json* spec = base::find(object, {"spec"});
  if (spec == nullptr || !spec->is_object()) return nullptr;
  json relevant = *spec;
  relevant.erase("suspend");
  relevant.erase("timeToLiveSeconds");
  drop_defaults(relevant, kLaterDefaults);
  return relevant;
}

std::string hash_of(const json& spec) {
  return spec.is_null() ? std::string() : base::sha256_hex(base::dump_json(spec)).substr(0, 16);
}

}  // namespace

std::string spec_hash(const json& object) {
  return hash_of(relevant_spec(object));
}

std::string restart_hash(const json& object) {
  json spec = relevant_spec(object);
  const auto executor = spec.find("executor");
  if (spec.is_object() && executor != spec.end() && executor->is_object()) {
    for (const char* field : kPlacement)
      executor->erase(field);
  }
  return hash_of(spec);
}

void drop_defaults(json& spec, std::span<const LaterDefault> defaults) {
  for (const LaterDefault& one : defaults)
    drop_default(spec, one.path, json::parse(one.value));
}

}  // namespace runner
