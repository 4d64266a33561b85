#pragma once

// Manifests from files: YAML or JSON, several documents or a List in one.
//
// Threads: pure but for reading.

#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "kube/resource_type.h"

namespace sparkctl {

struct Manifest {
  kube::ResourceType type;
  nlohmann::json object;  // with its namespace
};

// `ns` is for objects that name none. Errors begin with the file: "a.yaml: line 3, column 7: …".
// A kind that sparkctl does not create is refused.
base::Result<std::vector<Manifest>> read_manifests(const std::vector<std::string>& files,
                                                   std::istream& standard_input,
                                                   const std::string& ns);

}  // namespace sparkctl
