#include "kube/server/rest/body.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"
#include "base/text.h"
#include "base/yaml/yaml.h"
#include "kube/server/machinery/protobuf.h"
#include "kube/server/rest/local_call.h"

namespace kube::server::rest {
namespace {

using machinery::DecodedJson;
using machinery::refuse;
using nlohmann::json;

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

bool is_text(const json& value) {
  if (value.is_string()) return base::is_utf8(value.get_ref<const std::string&>());
  if (!value.is_structured()) return true;
  for (const auto& [name, member] : value.items())
    if (!is_text(member) || (value.is_object() && !base::is_utf8(name))) return false;
  return true;
}

Outcome<DecodedJson> given(const json& body) {
  const size_t most = base::JsonLimits{}.depth;
  if (base::json_depth(body, most) > most) return refuse(machinery::nested_too_deep(most));
  // A socket would have carried it with the rest replaced.
  if (!is_text(body)) return machinery::decode_json(base::dump_json(body));
  return DecodedJson{.value = body, .duplicate_fields = {}};
}

}  // namespace

Outcome<DecodedJson> decode_object(const ApiRequest& call) {
  if (call.local != nullptr && call.local->body != nullptr) return given(*call.local->body);
  const base::http::Request& request = call.request;
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

Outcome<PatchBody> decode_patch(const ApiRequest& call) {
  const base::http::Request& request = call.request;
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
  const bool local = call.local != nullptr && call.local->body != nullptr;
  auto value = local                                  ? given(*call.local->body)
               : patch.type == kube::PatchType::Apply ? decode_yaml(request.body)
                                                      : machinery::decode_json(request.body);
  if (!value) return refuse(value.error());
  patch.value = std::move(*value);
  return patch;
}

}  // namespace kube::server::rest
