// container_rules.h: the amounts that a container asks for.

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/quantity.h"
#include "kube/server/machinery/name_syntax.h"
#include "kube/server/types/container_rules.h"

namespace kube::server::types {
namespace {

using base::Quantity;
using machinery::FieldError;
using nlohmann::json;

constexpr const char* kNegative = "must be greater than or equal to 0";

// Names without a domain, and names that no container may ask for but a quota may bound.
constexpr std::array<std::string_view, 3> kOfContainers = {"cpu", "memory", "ephemeral-storage"};
constexpr std::array<std::string_view, 16> kOfQuotas = {"requests.cpu",
                                                        "requests.memory",
                                                        "requests.ephemeral-storage",
                                                        "limits.cpu",
                                                        "limits.memory",
                                                        "limits.ephemeral-storage",
                                                        "pods",
                                                        "resourcequotas",
                                                        "services",
                                                        "replicationcontrollers",
                                                        "secrets",
                                                        "configmaps",
                                                        "persistentvolumeclaims",
                                                        "storage",
                                                        "requests.storage",
                                                        "services.nodeports"};

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_extended(const std::string& name) {
  return name.find('/') != std::string::npos && name.find("kubernetes.io/") == std::string::npos;
}

bool is_huge_page(const std::string& name) {
  return name.starts_with("hugepages-");
}

void check_name_of(const std::string& name, const std::string& at,
                   std::vector<FieldError>& errors) {
  const auto problems = machinery::check_qualified_name(name);
  for (const std::string& problem : problems)
    errors.push_back(FieldError::invalid(at, name, problem));
  if (!problems.empty() || name.find('/') != std::string::npos) return;
  if (is_one_of(kOfContainers, name) || is_huge_page(name)) return;
  if (!is_one_of(kOfQuotas, name)) {
    errors.push_back(
        FieldError::invalid(at, name, "must be a standard resource type or fully qualified"));
  }
  errors.push_back(FieldError::invalid(at, name, "must be a standard resource for containers"));
}

void check_amount(const std::string& name, const Quantity& amount, const std::string& at,
                  std::vector<FieldError>& errors) {
  check_name_of(name, at, errors);
  if (amount.negative) errors.push_back(FieldError::invalid(at, amount.to_string(), kNegative));
  if (is_extended(name) && !amount.is_integer())
    errors.push_back(FieldError::invalid(at, amount.to_string(), "must be an integer"));
}

const json& amounts_of(const json& container, const char* part) {
  static const json none = json::object();
  const json* amounts = base::find(container, {"resources", part});
  return amounts != nullptr && amounts->is_object() ? *amounts : none;
}

// What is asked for against what may be used. Huge pages and devices cannot be shared: both are
// the same.
void check_against_limit(const std::string& name, const Quantity& request,
                         const std::optional<Quantity>& limit, const std::string& path,
                         std::vector<FieldError>& errors) {
  const bool shared = !is_extended(name) && !is_huge_page(name);
  const std::string at = path + ".resources.requests";
  if (!limit) {
    if (!shared) {
      errors.push_back(FieldError::required(path + ".resources.limits",
                                            "Limit must be set for non overcommitable resources"));
    }
  } else if (request.compare(*limit) > 0) {
    errors.push_back(FieldError::invalid(
        at, request.to_string(),
        "must be less than or equal to " + name + " limit of " + limit->to_string()));
  } else if (!shared && request.compare(*limit) != 0) {
    errors.push_back(FieldError::invalid(
        at, request.to_string(), "must be equal to " + name + " limit of " + limit->to_string()));
  }
}

}  // namespace

void request_what_is_limited(json& container) {
  const json limits = amounts_of(container, "limits");
  if (limits.empty()) return;
  json& requests = container["resources"]["requests"];
  if (requests.is_null()) requests = json::object();
  if (!requests.is_object()) return;
  for (const auto& [name, limit] : limits.items()) {
    if (!requests.contains(name)) requests[name] = limit;
  }
}

void check_resources(const json& container, const std::string& path,
                     std::vector<FieldError>& errors) {
  const json& limits = amounts_of(container, "limits");
  for (const char* part : {"limits", "requests"}) {
    for (const auto& [name, value] : amounts_of(container, part).items()) {
      const auto amount = Quantity::of(value);
      if (!amount) continue;  // its type is the schema's
      check_amount(name, *amount, path + ".resources." + part + "[" + name + "]", errors);
      if (std::string_view(part) == "limits") continue;
      const auto limit = limits.find(name);
      check_against_limit(
          name, *amount, limit == limits.end() ? std::nullopt : Quantity::of(*limit), path, errors);
    }
  }
}

}  // namespace kube::server::types
