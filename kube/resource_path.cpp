#include "kube/resource_path.h"

#include <algorithm>

namespace kube {
namespace {

// What Kubernetes allows in a path (NameIsPathSegment); the HTTP client encodes the rest.
bool is_segment(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return c == '/' || c == '%' || static_cast<unsigned char>(c) < ' ';
         });
}

}  // namespace

base::Result<std::string> collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = (type.group.empty() ? "/api/" : "/apis/") + type.api_version();
  if (type.namespaced && !ns.empty()) {
    if (!is_segment(ns)) {
      return base::failure(base::Code::InvalidArgument,
                           "\"" + std::string(ns) + "\" is no name of a namespace");
    }
    path += "/namespaces/" + std::string(ns);
  }
  return path + "/" + type.plural;
}

base::Result<std::string> object_path(const ResourceType& type, const ObjectKey& key,
                                      std::string_view subresource) {
  if (!is_segment(key.name)) {
    return base::failure(base::Code::NotFound, "\"" + key.name + "\" is no name of a " + type.kind);
  }
  if (type.namespaced && key.ns.empty()) {
    return base::failure(base::Code::InvalidArgument,
                         type.kind + " \"" + key.name + "\" needs a namespace");
  }
  ASSIGN_OR_RETURN(std::string path, collection_path(type, key.ns));
  path += "/" + key.name;
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

}  // namespace kube
