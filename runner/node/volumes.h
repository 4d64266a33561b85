#pragma once

// Volumes as folders: emptyDir, configMap, secret, projected and downwardAPI live in the pod's own
// folder, hostPath is the machine's, a persistentVolumeClaim is a folder kept under the node's data
// folder until the claim is gone.
//
// Nothing is mounted: readOnly, sizeLimit and medium are not enforced, and ConfigMaps that change
// later are not followed. Names in keys and subPaths cannot leave their folder.
// Errors: NotFound: the pod waits. Threads: one per pod.

#include <filesystem>
#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/node/environment.h"
#include "runner/node/launch.h"
#include "runner/node/paths.h"
#include "runner/node/sources.h"

namespace runner::node {

using VolumeFolders = std::map<std::string, std::filesystem::path>;

struct VolumeContext {
  PodFiles files;
  std::filesystem::path claims_folder;
  std::string token;  // for serviceAccountToken sources
};

// Makes every volume of the pod, again from the start when called again.
base::Result<VolumeFolders> materialise_volumes(Sources& sources, const VolumeContext& context);

// The folder of a claim: its UID is in the name, so a later namesake starts empty.
std::filesystem::path claim_folder(const std::filesystem::path& claims_folder,
                                   const nlohmann::json& claim);

// Adds the container's mounts, with subPath (expanded by subPathExpr's variables).
base::Status add_mounts(const nlohmann::json& container, const VolumeFolders& folders,
                        const Environment& environment, PathMap& paths);

}  // namespace runner::node
