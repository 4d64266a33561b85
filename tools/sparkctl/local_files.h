#pragma once

// Which files of this machine a manifest names, in mainApplicationFile and in deps.jars, files,
// pyFiles and archives: plain paths, from the manifest's folder, and file: URIs.
//
// Errors name the field: NotFound "spec.deps.jars[0]: read /x/lib.jar: …", InvalidArgument for what
// is no file or has a name that cannot travel, TooLarge. Threads: main only.

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "tools/sparkctl/manifests.h"

namespace sparkctl {

struct LocalFile {
  std::string field;      // "spec.template.deps.jars[0]"
  nlohmann::json* value;  // in the manifest: what is rewritten
  std::string path;       // on this machine
  std::string name;       // its last part
  std::string fragment;   // "#alias", as archives have; or ""
  std::string id;         // 32 hex digits of what it is called and holds
  size_t bytes = 0;
};

// Reads each of them once. The pointers live as long as the manifest is not changed elsewhere.
base::Result<std::vector<LocalFile>> find_local_files(Manifest& manifest, size_t most_bytes);

// The file again. Conflict when it is no more what was found.
base::Result<std::string> read_again(const LocalFile& file);

}  // namespace sparkctl
