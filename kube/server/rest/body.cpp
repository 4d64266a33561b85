#include "kube/server/rest/body.h"

#include <initializer_list>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "kube/server/machinery/protobuf.h"

namespace kube::server::rest {
namespace {

using machinery::DecodedJson;
using machinery::refuse;
using nlohmann::json;

constexpr size_t kMaxManager = 128;

Outcome<DecodedJson> decode_yaml(const std::string& body) {
  // Clients say YAML and send JSON, which is YAML; as JSON it is read faster and more strictly.
  const size_t first = body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (body[first] == '{' || body[first] == '[')) {
    return machinery::decode_json(body);
  }
  auto value = base::yaml::parse(body);
  if (!value)
    return refuse(machinery::bad_request("error decoding YAML: " + value.error().message));
  return DecodedJson{.value = std::move(*value), .duplicate_fields = {}};
}

std::string_view trim_user_agent(std::string_view agent) {
  return agent.substr(0, agent.find('/'));
}

}  // namespace

Outcome<DecodedJson> decode_object(const base::http::Request& request) {
  const std::string type = media_type(request.headers.get("Content-Type"));
  if (type.empty() || type == "application/json") return machinery::decode_json(request.body);
  if (type == "application/yaml") return decode_yaml(request.body);
  if (type == machinery::kProtobufMediaType) {
    auto value = machinery::decode_protobuf(request.body);
    if (!value) return refuse(value.error());
    return DecodedJson{.value = std::move(*value), .duplicate_fields = {}};
  }
  return refuse(machinery::unsupported_media_type(
      {"application/json", "application/yaml", std::string(machinery::kProtobufMediaType)}));
}

Outcome<PatchBody> decode_patch(const base::http::Request& request) {
  const std::string type = media_type(request.headers.get("Content-Type"));
  PatchBody patch;
  if (type == "application/json-patch+json") {
    patch.type = kube::PatchType::JsonPatch;
  } else if (type == "application/merge-patch+json") {
    patch.type = kube::PatchType::MergePatch;
  } else if (type == "application/strategic-merge-patch+json") {
    patch.type = kube::PatchType::StrategicMerge;
  } else if (type == "application/apply-patch+yaml") {
    patch.type = kube::PatchType::Apply;
  } else {
    return refuse(machinery::unsupported_media_type(
        {"application/json-patch+json", "application/merge-patch+json",
         "application/strategic-merge-patch+json", "application/apply-patch+yaml"}));
  }
  auto value = patch.type == kube::PatchType::Apply ? decode_yaml(request.body)
                                                    : machinery::decode_json(request.body);
  if (!value) return refuse(value.error());
  patch.value = std::move(*value);
  return patch;
}

Outcome<objects::WriteOptions> write_options(const ApiRequest& call) {
  objects::WriteOptions options;
  auto dry = dry_run(call);
  if (!dry) return refuse(dry.error());
  options.dry_run = *dry;
  auto validation = machinery::parse_field_validation(call.parameter("fieldValidation"));
  if (!validation) return refuse(validation.error());
  options.validation = *validation;
  options.manager = call.parameter("fieldManager");
  if (options.manager.empty()) {
    const bool applies =
        media_type(call.request.headers.get("Content-Type")) == "application/apply-patch+yaml";
    if (applies && call.request.method == "PATCH") {
      return refuse(machinery::bad_request(
          "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
          "apply patch"));
    }
    options.manager = trim_user_agent(call.request.headers.get("User-Agent"));
  }
  if (options.manager.size() > kMaxManager) {
    return refuse(machinery::bad_request("fieldManager: Too long: may not be more than 128 bytes"));
  }
  if (options.manager.empty()) options.manager = "unknown";
  options.force = call.flag("force");
  return options;
}

namespace {

Outcome<std::optional<kube::Propagation>> propagation_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (text == "Background") return kube::Propagation::Background;
  if (text == "Foreground") return kube::Propagation::Foreground;
  if (text == "Orphan") return kube::Propagation::Orphan;
  return refuse(
      machinery::bad_request("propagationPolicy: Unsupported value: \"" + text.substr(0, 64) +
                             "\": supported values: \"Background\", \"Foreground\", \"Orphan\""));
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

Outcome<objects::DeleteRequest> delete_request(const ApiRequest& call) {
  json options = json::object();
  if (!call.request.body.empty()) {
    auto body = decode_object(call.request);
    if (!body) return refuse(body.error());
    options = std::move(body->value);
  }
  if (auto right = check_delete_options(options); !right) return refuse(right.error());
  objects::DeleteRequest request;
  auto dry = dry_run(call);
  if (!dry) return refuse(dry.error());
  const json* dry_list = base::find(options, {"dryRun"});
  request.dry_run = *dry || (dry_list && dry_list->is_array() && !dry_list->empty());
  std::string policy = base::string_at(options, {"propagationPolicy"});
  if (policy.empty()) policy = call.parameter("propagationPolicy");
  // The old form of the same wish.
  if (policy.empty() &&
      (base::bool_at(options, {"orphanDependents"}) == true || call.flag("orphanDependents"))) {
    policy = "Orphan";
  }
  auto propagation = propagation_of(policy);
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

}  // namespace kube::server::rest
