#pragma once

// Where a resource lives in the API: "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUBRESOURCE".
//
// Threads: pure functions.

#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/resource_type.h"

namespace kube {

// Of all objects in a namespace; "" = in all namespaces.
base::Result<std::string> collection_path(const ResourceType& type, std::string_view ns);
// NotFound: a name that is empty or not one path segment ("a/b"). No API server has such an object,
// and whoever wants it gone must hear that it is; a wrong URL is never made of it.
// InvalidArgument: no namespace for an object that needs one.
base::Result<std::string> object_path(const ResourceType& type, const ObjectKey& key,
                                      std::string_view subresource = "");

}  // namespace kube
