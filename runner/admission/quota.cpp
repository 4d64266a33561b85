#include "runner/admission/quota.h"

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/saturating.h"
#include "config/quantity.h"

namespace runner::admission {
namespace {

using nlohmann::json;

std::string written(const std::string& resource, int64_t thousandths) {
  if (thousandths % 1000 != 0) return std::to_string(thousandths) + "m";
  if (thousandths == 0) return "0";
  const bool bytes = resource.ends_with("memory") || resource.ends_with("storage");
  return bytes ? config::format_bytes(thousandths / 1000) : std::to_string(thousandths / 1000);
}

bool has_scopes(const json& quota) {
  const json* scopes = base::find(quota, {"spec", "scopes"});
  return (scopes != nullptr && !scopes->empty()) ||
         base::find(quota, {"spec", "scopeSelector"}) != nullptr;
}

std::optional<int64_t> amount_at(const json& quota, const char* what, const std::string& resource) {
  const json* value = base::find(quota, {"status", what, resource});
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto amount = config::parse_milli(value->get<std::string>());
  return amount ? std::optional(*amount) : std::nullopt;
}

}  // namespace

base::Status check_quotas(const submission::Demand& demand, const std::vector<json>& quotas) {
  for (const json& quota : quotas) {
    if (has_scopes(quota)) continue;
    for (const auto& [resource, wanted] : demand) {
      const auto hard = amount_at(quota, "hard", resource);
      const int64_t used = amount_at(quota, "used", resource).value_or(0);
      if (!hard || base::saturating_add(used, wanted) <= *hard) continue;
      return base::failure(base::Code::Forbidden,
                           "exceeded quota \"" + base::string_at(quota, {"metadata", "name"}) +
                               "\": the application asks for " + resource + "=" +
                               written(resource, wanted) + ", used: " + written(resource, used) +
                               ", limited: " + written(resource, *hard));
    }
  }
  return {};
}

}  // namespace runner::admission
