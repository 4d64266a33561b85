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
// InvalidArgument: an empty name, a namespace where none belongs, or a name that is not one path
// segment.
base::Result<std::string> object_path(const ResourceType& type, const ObjectKey& key,
                                      std::string_view subresource = "");

}  // namespace kube
