#include "runner/node/sources.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "config/quantity.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;

std::string lower_kind(const kube::ResourceType& type) {
  return type == kube::secrets() ? "secret" : "configmap";
}

base::Result<Data> read_data(const kube::ResourceType& type, const Json& object) {
  Data data;
  for (const char* part : {"data", "binaryData"}) {
    const Json* entries = base::find(object, {part});
    if (entries == nullptr || !entries->is_object()) continue;
    const bool encoded = type == kube::secrets() || std::string_view(part) == "binaryData";
    for (const auto& [key, value] : entries->items()) {
      if (!value.is_string()) continue;
      if (!encoded) {
        data[key] = value.get<std::string>();
        continue;
      }
      auto decoded = base::decode_base64(value.get<std::string>());
      if (!decoded)
        return failure(Code::InvalidArgument, lower_kind(type) + " \"" + kube::key_of(object).name +
                                                  "\": key \"" + key + "\" is not base64");
      data[key] = std::move(*decoded);
    }
  }
  return data;
}

// "labels['a.b/c']" → "a.b/c".
std::string subscript(const std::string& path, const std::string& member) {
  const std::string open = "metadata." + member + "['";
  if (!path.starts_with(open) || !path.ends_with("']")) return {};
  return path.substr(open.size(), path.size() - open.size() - 2);
}

// As a downward API file has it: one key="value" per line.
std::string all_pairs(const Json& pod, const char* member) {
  std::string text;
  const Json* pairs = base::find(pod, {"metadata", member});
  if (pairs == nullptr || !pairs->is_object()) return text;
  for (const auto& [key, value] : pairs->items())
    if (value.is_string()) text += (text.empty() ? "" : "\n") + key + "=" + value.dump();
  return text;
}

}  // namespace

base::Result<std::optional<Data>> Sources::fetch(const kube::ResourceType& type,
                                                 const std::string& name, bool optional) {
  const std::string id = type.plural + "/" + name;
  if (const auto known = fetched_.find(id); known != fetched_.end()) {
    if (known->second || optional) return known->second;
  }
  const auto object = api_.get(type, {kube::key_of(pod_).ns, name});
  if (!object && object.error().code != Code::NotFound)
    return failure(object.error().with_context("get " + lower_kind(type) + " \"" + name + "\""));
  if (!object) {
    fetched_[id] = std::nullopt;
    if (optional) return std::optional<Data>();
    return failure(Code::NotFound, lower_kind(type) + " \"" + name + "\" not found");
  }
  ASSIGN_OR_RETURN(Data data, read_data(type, *object));
  return fetched_[id] = std::move(data);
}

base::Result<std::optional<Data>> Sources::config_map(const std::string& name, bool optional) {
  return fetch(kube::config_maps(), name, optional);
}

base::Result<std::optional<Data>> Sources::secret(const std::string& name, bool optional) {
  return fetch(kube::secrets(), name, optional);
}

base::Result<std::string> Sources::field(const std::string& path) const {
  if (path == "metadata.name") return base::string_at(pod_, {"metadata", "name"});
  if (path == "metadata.namespace") return base::string_at(pod_, {"metadata", "namespace"});
  if (path == "metadata.uid") return base::string_at(pod_, {"metadata", "uid"});
  if (path == "metadata.labels") return all_pairs(pod_, "labels");
  if (path == "metadata.annotations") return all_pairs(pod_, "annotations");
  if (path == "spec.nodeName") return facts_.node_name;
  if (path == "spec.serviceAccountName")
    return base::string_at(pod_, {"spec", "serviceAccountName"});
  if (path == "status.podIP" || path == "status.podIPs") return facts_.pod_ip;
  if (path == "status.hostIP" || path == "status.hostIPs") return facts_.host_ip;
  for (const char* member : {"labels", "annotations"})
    if (const std::string key = subscript(path, member); !key.empty())
      return base::string_at(pod_, {"metadata", member, key});
  return failure(Code::InvalidArgument, "fieldPath " + path + " is not supported");
}

base::Result<std::string> Sources::resource(const Json& container, const std::string& name,
                                            const std::string& divisor) const {
  const size_t dot = name.find('.');
  if (dot == std::string::npos)
    return failure(Code::InvalidArgument, "resource " + name + " is not supported");
  const std::string kind = name.substr(dot + 1);
  std::string text = base::string_at(container, {"resources", name.substr(0, dot), kind});
  // As the API does: without a limit the request, without both nothing bounds it.
  if (text.empty()) text = base::string_at(container, {"resources", "requests", kind});
  ASSIGN_OR_RETURN(const int64_t value, config::parse_milli(text.empty() ? "0" : text));
  ASSIGN_OR_RETURN(const int64_t unit,
                   config::parse_milli(divisor.empty() || divisor == "0" ? "1" : divisor));
  if (unit == 0) return failure(Code::InvalidArgument, "divisor 0");
  return std::to_string(value / unit + (value % unit != 0 ? 1 : 0));
}

}  // namespace runner::node
