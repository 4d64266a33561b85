#include "kube/server/rest/options.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/negotiation.h"

namespace kube::server::rest {
namespace {

using machinery::FieldError;
using machinery::refuse;
using nlohmann::json;

constexpr size_t kMaxManager = 128;
constexpr const char* kMatch = "resourceVersionMatch";

std::string_view trim_user_agent(std::string_view agent) {
  return agent.substr(0, agent.find('/'));
}

// `PatchOptions.meta.k8s.io "" is invalid: …`.
Outcome<void> checked(const char* kind, const std::vector<FieldError>& errors) {
  if (errors.empty()) return {};
  return refuse(machinery::invalid(
      {.group = "meta.k8s.io", .version = "v1", .plural = "", .kind = kind}, "", errors));
}

const char* kind_of_write(const ApiRequest& call) {
  if (call.request.method == "PATCH") return "PatchOptions";
  return call.request.method == "PUT" ? "UpdateOptions" : "CreateOptions";
}

void add_dry_run_errors(const ApiRequest& call, std::vector<FieldError>& errors) {
  json asked = json::array();
  for (const auto& [name, value] : call.request.query) {
    if (name == "dryRun") asked.push_back(value);
  }
  const bool right =
      std::all_of(asked.begin(), asked.end(), [](const json& value) { return value == "All"; });
  if (!right) errors.push_back(FieldError::not_supported("dryRun", asked, {"All"}));
}

std::vector<FieldError> write_errors(const ApiRequest& call) {
  std::vector<FieldError> errors;
  const std::string manager = call.parameter("fieldManager");
  if (call.request.method == "PATCH") {
    const bool applies =
        media_type(call.request.headers.get("Content-Type")) == "application/apply-patch+yaml";
    if (applies && manager.empty())
      errors.push_back(FieldError::required("fieldManager", "is required for apply patch"));
    if (!applies && !call.parameter("force").empty())
      errors.push_back(FieldError::forbidden("force", "may not be specified for non-apply patch"));
  }
  add_dry_run_errors(call, errors);
  const std::string validation = call.parameter("fieldValidation");
  if (!validation.empty() && !machinery::parse_field_validation(validation)) {
    errors.push_back(
        FieldError::not_supported("fieldValidation", validation, {"", "Ignore", "Strict", "Warn"}));
  }
  if (manager.size() > kMaxManager)
    errors.push_back(FieldError::too_long("fieldManager", kMaxManager));
  for (const char c : manager) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
    errors.push_back(
        FieldError::invalid("fieldManager", manager, "invalid character: must be printable"));
    break;
  }
  return errors;
}

struct DeletionWish {
  std::string policy;
  std::optional<bool> orphan;  // the old form of the same wish
};

Outcome<std::optional<kube::Propagation>> propagation_of(const DeletionWish& wish) {
  std::vector<FieldError> errors;
  if (wish.orphan && !wish.policy.empty()) {
    errors.push_back(
        FieldError::invalid("propagationPolicy", wish.policy,
                            "orphanDependents and deletionPropagation cannot be both set"));
  }
  std::optional<kube::Propagation> propagation;
  if (wish.policy == "Background") {
    propagation = kube::Propagation::Background;
  } else if (wish.policy == "Foreground") {
    propagation = kube::Propagation::Foreground;
  } else if (wish.policy == "Orphan" || wish.orphan == true) {
    propagation = kube::Propagation::Orphan;
  } else if (!wish.policy.empty()) {
    errors.push_back(FieldError::not_supported("propagationPolicy", wish.policy,
                                               {"Foreground", "Background", "Orphan", "nil"}));
  }
  if (auto right = checked("DeleteOptions", errors); !right) return refuse(right.error());
  return propagation;
}

// A wish that cannot be read must not be taken for none: what follows is not undone.
Outcome<void> check_delete_options(const json& options) {
  if (!options.is_object()) return refuse(machinery::bad_request("the body must be DeleteOptions"));
  using Type = bool (json::*)() const noexcept;
  struct Member {
    std::initializer_list<std::string_view> path;
    Type is;
    const char* type;
  };
  for (const Member& member : {
           Member{{"gracePeriodSeconds"}, &json::is_number_integer, "an integer"},
           Member{{"propagationPolicy"}, &json::is_string, "a string"},
           Member{{"orphanDependents"}, &json::is_boolean, "true or false"},
           Member{{"dryRun"}, &json::is_array, "a list"},
           Member{{"preconditions"}, &json::is_object, "an object"},
           Member{{"preconditions", "uid"}, &json::is_string, "a string"},
           Member{{"preconditions", "resourceVersion"}, &json::is_string, "a string"},
       }) {
    const json* value = base::find(options, member.path);
    if (value == nullptr || value->is_null() || (value->*member.is)()) continue;
    std::string path = "DeleteOptions";
    for (const std::string_view step : member.path)
      path += "." + std::string(step);
    return refuse(
        machinery::bad_request(path + ": Invalid value: " + base::dump_json(*value).substr(0, 64) +
                               ": must be " + member.type));
  }
  return {};
}

}  // namespace

Outcome<objects::WriteOptions> write_options(const ApiRequest& call) {
  if (auto right = checked(kind_of_write(call), write_errors(call)); !right)
    return refuse(right.error());
  objects::WriteOptions options;
  auto dry = dry_run(call);
  if (!dry) return refuse(dry.error());
  options.dry_run = *dry;
  auto validation = machinery::parse_field_validation(call.parameter("fieldValidation"));
  if (!validation) return refuse(validation.error());
  options.validation = *validation;
  options.manager = call.parameter("fieldManager");
  if (options.manager.empty())
    options.manager =
        trim_user_agent(call.request.headers.get("User-Agent")).substr(0, kMaxManager);
  if (options.manager.empty()) options.manager = "unknown";
  options.force = call.flag("force");
  return options;
}

Outcome<objects::DeleteRequest> delete_request(const ApiRequest& call) {
  json options = json::object();
  if (call.has_body()) {
    auto body = decode_object(call);
    if (!body) return refuse(body.error());
    options = std::move(body->value);
  }
  if (auto right = check_delete_options(options); !right) return refuse(right.error());
  objects::DeleteRequest request;
  std::vector<FieldError> errors;
  add_dry_run_errors(call, errors);
  const json* dry_list = base::find(options, {"dryRun"});
  if (dry_list != nullptr && !dry_list->is_null() && *dry_list != json::array({"All"}) &&
      !dry_list->empty()) {
    errors.push_back(FieldError::not_supported("dryRun", *dry_list, {"All"}));
  }
  if (auto right = checked("DeleteOptions", errors); !right) return refuse(right.error());
  auto dry = dry_run(call);
  if (!dry) return refuse(dry.error());
  request.dry_run = *dry || (dry_list && dry_list->is_array() && !dry_list->empty());
  DeletionWish wish{.policy = base::string_at(options, {"propagationPolicy"}),
                    .orphan = base::bool_at(options, {"orphanDependents"})};
  if (wish.policy.empty()) wish.policy = call.parameter("propagationPolicy");
  if (!wish.orphan && !call.parameter("orphanDependents").empty())
    wish.orphan = call.flag("orphanDependents");
  auto propagation = propagation_of(wish);
  if (!propagation) return refuse(propagation.error());
  request.propagation = *propagation;
  request.grace_seconds = base::integer_at(options, {"gracePeriodSeconds"});
  if (!request.grace_seconds) {
    auto grace = number_parameter(call, "gracePeriodSeconds");
    if (!grace) return refuse(grace.error());
    request.grace_seconds = *grace;
  }
  request.uid = base::string_at(options, {"preconditions", "uid"});
  request.resource_version = base::string_at(options, {"preconditions", "resourceVersion"});
  return request;
}

Outcome<void> check_list_options(const ApiRequest& call) {
  std::vector<FieldError> errors;
  const std::string match = call.parameter(kMatch);
  const std::string version = call.parameter("resourceVersion");
  if (!match.empty()) {
    if (version.empty()) {
      errors.push_back(FieldError::forbidden(
          kMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (!call.parameter("continue").empty()) {
      errors.push_back(FieldError::forbidden(
          kMatch, "resourceVersionMatch is forbidden when continue is provided"));
    }
    if (match != "Exact" && match != "NotOlderThan")
      errors.push_back(FieldError::not_supported(kMatch, match, {"Exact", "NotOlderThan", ""}));
    if (match == "Exact" && version == "0") {
      errors.push_back(FieldError::forbidden(
          kMatch, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    }
  }
  if (!call.parameter("sendInitialEvents").empty()) {
    errors.push_back(
        FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  return checked("ListOptions", errors);
}

Outcome<void> check_watch_options(const ApiRequest& call) {
  std::vector<FieldError> errors;
  const std::string match = call.parameter(kMatch);
  const bool initial = !call.parameter("sendInitialEvents").empty();
  if (initial && match != "NotOlderThan") {
    errors.push_back(FieldError::forbidden(
        kMatch, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (!match.empty() && !initial) {
    errors.push_back(FieldError::forbidden(
        kMatch,
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (!match.empty() && match != "NotOlderThan")
    errors.push_back(FieldError::not_supported(kMatch, match, {"NotOlderThan"}));
  if (!match.empty() && !call.parameter("continue").empty()) {
    errors.push_back(FieldError::forbidden(
        kMatch, "resourceVersionMatch is forbidden when continue is provided"));
  }
  return checked("ListOptions", errors);
}

}  // namespace kube::server::rest
