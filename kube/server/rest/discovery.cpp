#include "kube/server/rest/discovery.h"

#include <algorithm>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/server/machinery/name_syntax.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;
using types::Catalog;
using types::Resource;
using types::ResourcePtr;

struct Subresource {
  std::string name;
  std::string kind;
  std::string group;  // of the kind
  std::string version;
  std::vector<std::string> verbs;
};

std::vector<std::string> verbs_of(const Resource& resource) {
  if (!resource.can_be_stored) return {"create"};
  if (!resource.refusal.empty()) return {"delete", "deletecollection", "get", "list", "watch"};
  // The order of a real server, which `kubectl api-resources -o wide` shows.
  if (resource.custom)
    return {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

std::vector<Subresource> subresources_of(const Resource& resource) {
  const kube::ResourceType& type = resource.type;
  std::vector<Subresource> result;
  if (type == kube::pods()) {
    result.push_back({"binding", "Binding", "", "v1", {"create"}});
    result.push_back({"log", "Pod", "", "v1", {"get"}});
  }
  if (resource.storage == "serviceaccounts") {
    result.push_back({"token", "TokenRequest", "authentication.k8s.io", "v1", {"create"}});
  }
  if (resource.rules.status_subresource) {
    result.push_back({"status", type.kind, type.group, type.version, {"get", "patch", "update"}});
  }
  if (resource.scale) {
    const kube::ResourceType& scale = types::scales();
    result.push_back({"scale", scale.kind, scale.group, scale.version, {"get", "patch", "update"}});
  }
  return result;
}

json kind_reference(const std::string& group, const std::string& version, const std::string& kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

json aggregated_resource(const Resource& resource) {
  const kube::ResourceType& type = resource.type;
  json entry = {{"resource", type.plural},
                {"responseKind", kind_reference(type.group, type.version, type.kind)},
                {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                {"singularResource", resource.singular},
                {"verbs", verbs_of(resource)}};
  if (!resource.short_names.empty()) entry["shortNames"] = resource.short_names;
  if (!resource.categories.empty()) entry["categories"] = resource.categories;
  for (const Subresource& sub : subresources_of(resource)) {
    entry["subresources"].push_back(
        {{"subresource", sub.name},
         {"responseKind", kind_reference(sub.group, sub.version, sub.kind)},
         {"verbs", sub.verbs}});
  }
  return entry;
}

json legacy_resource(const Resource& resource) {
  const kube::ResourceType& type = resource.type;
  json entry = {{"name", type.plural},
                {"singularName", resource.singular},
                {"namespaced", type.namespaced},
                {"kind", type.kind},
                {"verbs", verbs_of(resource)}};
  if (!resource.short_names.empty()) entry["shortNames"] = resource.short_names;
  if (!resource.categories.empty()) entry["categories"] = resource.categories;
  return entry;
}

using ByVersion = std::map<std::string, std::vector<ResourcePtr>>;

std::map<std::string, ByVersion> grouped(const Catalog& catalog) {
  std::map<std::string, ByVersion> groups;
  for (const ResourcePtr& resource : catalog.resources()) {
    groups[resource->type.group][resource->type.version].push_back(resource);
  }
  return groups;
}

std::vector<std::string> sorted_versions(const ByVersion& versions) {
  std::vector<std::string> names;
  for (const auto& [name, resources] : versions)
    names.push_back(name);
  std::sort(names.begin(), names.end(), machinery::is_newer_version);
  return names;
}

json group_document(const std::string& group, const ByVersion& versions) {
  json document = {{"name", group}, {"versions", json::array()}};
  for (const std::string& version : sorted_versions(versions)) {
    document["versions"].push_back({{"groupVersion", group + "/" + version}, {"version", version}});
  }
  document["preferredVersion"] = document["versions"].front();
  return document;
}

}  // namespace

json aggregated_discovery(const Catalog& catalog, Api api, const std::string& version) {
  json list = {{"kind", "APIGroupDiscoveryList"},
               {"apiVersion", "apidiscovery.k8s.io/" + version},
               {"metadata", json::object()},
               {"items", json::array()}};
  for (const auto& [group, versions] : grouped(catalog)) {
    if (group.empty() != (api == Api::Core)) continue;
    json item = {{"metadata", {{"creationTimestamp", nullptr}}}, {"versions", json::array()}};
    if (!group.empty()) item["metadata"]["name"] = group;
    for (const std::string& name : sorted_versions(versions)) {
      json resources = json::array();
      for (const ResourcePtr& resource : versions.at(name)) {
        resources.push_back(aggregated_resource(*resource));
      }
      item["versions"].push_back(
          {{"version", name}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    list["items"].push_back(std::move(item));
  }
  return list;
}

json legacy_root(const Catalog& catalog, Api api) {
  if (api == Api::Core) {
    return {{"kind", "APIVersions"},
            {"versions", {"v1"}},
            {"serverAddressByClientCIDRs", json::array()}};
  }
  json groups = json::array();
  for (const auto& [group, versions] : grouped(catalog)) {
    if (!group.empty()) groups.push_back(group_document(group, versions));
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

std::optional<json> legacy_group(const Catalog& catalog, const std::string& group) {
  const auto groups = grouped(catalog);
  const auto found = groups.find(group);
  if (group.empty() || found == groups.end()) return std::nullopt;
  json document = group_document(group, found->second);
  document["kind"] = "APIGroup";
  document["apiVersion"] = "v1";
  return document;
}

std::optional<json> legacy_resources(const Catalog& catalog, const std::string& group,
                                     const std::string& version) {
  json resources = json::array();
  for (const ResourcePtr& resource : catalog.resources()) {
    const kube::ResourceType& type = resource->type;
    if (type.group != group || type.version != version) continue;
    resources.push_back(legacy_resource(*resource));
    for (const Subresource& sub : subresources_of(*resource)) {
      json entry = {{"name", type.plural + "/" + sub.name},
                    {"singularName", ""},
                    {"namespaced", type.namespaced},
                    {"kind", sub.kind},
                    {"verbs", sub.verbs}};
      if (sub.group != type.group || sub.version != type.version) {
        entry["group"] = sub.group;
        entry["version"] = sub.version;
      }
      resources.push_back(std::move(entry));
    }
  }
  if (resources.empty()) return std::nullopt;
  return json{{"kind", "APIResourceList"},
              {"apiVersion", "v1"},
              {"groupVersion", group.empty() ? version : group + "/" + version},
              {"resources", std::move(resources)}};
}

// kubectl wants a semantic version and compares it with its own.
json version_info() {
  return {{"major", "1"},        {"minor", "34"},      {"gitVersion", "v1.34.0+sparkcron"},
          {"gitCommit", ""},     {"gitTreeState", ""}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"}, {"compiler", "none"}, {"platform", "linux/amd64"}};
}

}  // namespace kube::server::rest
