#include "kube/server/bootstrap.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server {
namespace {

using nlohmann::json;

constexpr const char* kManager = "sparkcron";

base::Status to_status(const machinery::ApiError& error, const std::string& doing) {
  const base::Code code = error.code >= 500 ? base::Code::Unavailable : base::Code::InvalidArgument;
  return base::failure(code, doing + ": " + error.message);
}

base::Status ensure(objects::Objects& objects, const types::ResourcePtr& resource,
                    const std::string& ns, const json& object) {
  const std::string name = base::string_at(object, {"metadata", "name"});
  const auto created =
      objects.create({.resource = resource, .ns = ns, .name = name},
                     {.value = object, .duplicate_fields = {}}, {.manager = kManager});
  if (created || created.error().reason == "AlreadyExists") return {};
  return to_status(created.error(), "create " + resource->singular + " " + name);
}

// The definition of this program wins over an older one in the file; what else people added to it
// (labels, annotations) stays.
base::Status install(objects::Objects& objects, const types::ResourcePtr& resource,
                     const json& definition) {
  const std::string name = base::string_at(definition, {"metadata", "name"});
  RETURN_IF_ERROR(ensure(objects, resource, "", definition));
  const auto updated =
      objects.change({.resource = resource, .ns = "", .name = name}, {.manager = kManager},
                     [&](json& current) -> objects::Outcome<void> {
                       if (const json* spec = base::find(definition, {"spec"}))
                         current["spec"] = *spec;
                       return {};
                     });
  if (updated) return {};
  return to_status(updated.error(), "install definition " + name);
}

}  // namespace

base::Status bootstrap(objects::Objects& objects, const std::vector<json>& definitions) {
  const auto catalog = objects.catalog();
  const auto namespaces = catalog->find("", "v1", "namespaces");
  const auto accounts = catalog->find("", "v1", "serviceaccounts");
  const auto types = catalog->find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const char* name : {"default", "kube-system"}) {
    RETURN_IF_ERROR(ensure(objects, namespaces, "", {{"metadata", {{"name", name}}}}));
    RETURN_IF_ERROR(ensure(objects, accounts, name, {{"metadata", {{"name", "default"}}}}));
  }
  for (const json& definition : definitions) {
    RETURN_IF_ERROR(install(objects, types, definition));
  }
  return {};
}

}  // namespace kube::server
