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
  std::string file;       // as it was named
};

// What becomes of a kind that sparkctl does not create.
enum class Others { Refused, LeftOut };

// `ns` is for objects that name none. Errors begin with the file: "a.yaml: line 3, column 7: …".
base::Result<std::vector<Manifest>> read_manifests(const std::vector<std::string>& files,
                                                   std::istream& standard_input,
                                                   const std::string& ns,
                                                   Others others = Others::Refused);

}  // namespace sparkctl
