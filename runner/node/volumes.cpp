#include "runner/node/volumes.h"

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;
namespace fs = std::filesystem;

constexpr mode_t kDefaultMode = 0644;

// Keys and paths come from users: they stay inside their volume.
base::Result<fs::path> inside(const fs::path& folder, const std::string& relative) {
  const fs::path path(relative);
  bool climbs = path.is_absolute() || relative.find('\0') != std::string::npos;
  // "." alone names the folder itself, which is no file in it.
  bool names = false;
  for (const fs::path& part : path) {
    climbs = climbs || part == "..";
    names = names || (part != "." && !part.empty());
  }
  climbs = climbs || !names;
  if (climbs)
    return failure(Code::InvalidArgument, "\"" + relative + "\" is not a path inside its volume");
  return folder / path;
}

mode_t mode_at(const Json& object, const char* key, mode_t otherwise) {
  const auto mode = base::integer_at(object, {key});
  return mode ? static_cast<mode_t>(*mode & 0777) : otherwise;
}

base::Status put(const fs::path& folder, const std::string& relative, const std::string& content,
                 mode_t mode) {
  ASSIGN_OR_RETURN(const fs::path path, inside(folder, relative));
  RETURN_IF_ERROR(base::make_folders(path.parent_path()));
  // A file that is there from an earlier try may be read-only.
  ::unlink(path.c_str());
  return base::write_plainly(path, content, mode);
}

struct Filler {
  Sources& sources;
  const VolumeContext& context;
  fs::path folder;
  mode_t mode;

  base::Status keys(const Json& source, const char* kind, const std::string& name) {
    const bool optional = base::bool_at(source, {"optional"}).value_or(false);
    ASSIGN_OR_RETURN(const std::optional<Data> data, std::string_view(kind) == "secret"
                                                         ? sources.secret(name, optional)
                                                         : sources.config_map(name, optional));
    if (!data) return {};
    const Json* items = base::find(source, {"items"});
    if (items == nullptr || !items->is_array() || items->empty()) {
      for (const auto& [key, content] : *data)
        RETURN_IF_ERROR(put(folder, key, content, mode));
      return {};
    }
    for (const Json& item : *items) {
      const std::string key = base::string_at(item, {"key"});
      const auto found = data->find(key);
      if (found == data->end() && optional) continue;
      if (found == data->end())
        return failure(Code::NotFound,
                       "key \"" + key + "\" not found in " + kind + " \"" + name + "\"");
      RETURN_IF_ERROR(
          put(folder, base::string_at(item, {"path"}), found->second, mode_at(item, "mode", mode)));
    }
    return {};
  }

  // A volume is of the whole pod, so it names the container.
  base::Result<std::string> resource_of(const Json& reference) {
    const std::string name = base::string_at(reference, {"containerName"});
    for (const char* list : {"containers", "initContainers"}) {
      const Json* containers = base::find(sources.pod(), {"spec", list});
      if (containers == nullptr || !containers->is_array()) continue;
      for (const Json& container : *containers)
        if (base::string_at(container, {"name"}) == name)
          return sources.resource(container, base::string_at(reference, {"resource"}),
                                  base::string_at(reference, {"divisor"}));
    }
    return failure(Code::InvalidArgument,
                   "resourceFieldRef: there is no container \"" + name + "\"");
  }

  base::Status downward(const Json& source) {
    const Json* items = base::find(source, {"items"});
    if (items == nullptr || !items->is_array()) return {};
    for (const Json& item : *items) {
      const Json* resource = base::find(item, {"resourceFieldRef"});
      ASSIGN_OR_RETURN(const std::string value,
                       resource != nullptr
                           ? resource_of(*resource)
                           : sources.field(base::string_at(item, {"fieldRef", "fieldPath"})));
      RETURN_IF_ERROR(
          put(folder, base::string_at(item, {"path"}), value, mode_at(item, "mode", mode)));
    }
    return {};
  }

  base::Status projected(const Json& volume) {
    const Json* list = base::find(volume, {"sources"});
    if (list == nullptr || !list->is_array()) return {};
    for (const Json& source : *list) {
      if (const Json* map = base::find(source, {"configMap"}))
        RETURN_IF_ERROR(keys(*map, "configmap", base::string_at(*map, {"name"})));
      if (const Json* secret = base::find(source, {"secret"}))
        RETURN_IF_ERROR(keys(*secret, "secret", base::string_at(*secret, {"name"})));
      if (const Json* fields = base::find(source, {"downwardAPI"}))
        RETURN_IF_ERROR(downward(*fields));
      if (const Json* token = base::find(source, {"serviceAccountToken"}))
        RETURN_IF_ERROR(put(folder, base::string_at(*token, {"path"}), context.token, 0600));
    }
    return {};
  }
};

base::Result<fs::path> host_path(const Json& volume) {
  const fs::path path = base::string_at(volume, {"path"});
  const std::string type = base::string_at(volume, {"type"});
  if (!path.is_absolute())
    return failure(Code::InvalidArgument, "hostPath \"" + path.string() + "\" is not absolute");
  const auto kind = base::kind_of_path(path);
  // What the machine does not let us look at or make there will not heal by itself; a full disk or
  // too many open files may.
  const auto refused = [&](const base::Error& error) {
    const Code code = error.code == Code::Unavailable ? error.code : Code::InvalidArgument;
    return failure(code, "hostPath \"" + path.string() + "\": " + error.message);
  };
  if (!kind) return refused(kind.error());
  if (type == "DirectoryOrCreate" && *kind != base::PathKind::Folder) {
    if (const auto made = base::make_folders(path, 0755); !made) return refused(made.error());
  } else if (type == "FileOrCreate" && *kind != base::PathKind::File) {
    auto made = base::make_folders(path.parent_path(), 0755);
    if (made) made = base::write_plainly(path, "", 0644);
    if (!made) return refused(made.error());
  } else if (type == "Directory" && *kind != base::PathKind::Folder) {
    return failure(Code::NotFound, "hostPath " + path.string() + " is not a directory");
  } else if (type == "File" && *kind != base::PathKind::File) {
    return failure(Code::NotFound, "hostPath " + path.string() + " is not a file");
  } else if (type == "Socket" || type == "CharDevice" || type == "BlockDevice") {
    return failure(Code::InvalidArgument,
                   "hostPath type " + type + " is not supported by the process node");
  }
  return path;
}

base::Result<fs::path> claim(Sources& sources, const Json& volume, const fs::path& claims_folder) {
  const std::string name = base::string_at(volume, {"claimName"});
  auto found =
      sources.api().get(kube::persistent_volume_claims(), {kube::key_of(sources.pod()).ns, name});
  if (!found && found.error().code == Code::NotFound)
    return failure(Code::NotFound, "persistentvolumeclaim \"" + name + "\" not found");
  RETURN_IF_ERROR(found);
  const fs::path folder = claim_folder(claims_folder, *found);
  RETURN_IF_ERROR(base::make_folders(folder));
  if (base::string_at(*found, {"status", "phase"}) != "Bound") {
    Json status = {{"phase", "Bound"}};
    if (const Json* modes = base::find(*found, {"spec", "accessModes"}))
      status["accessModes"] = *modes;
    if (const Json* size = base::find(*found, {"spec", "resources", "requests"}))
      status["capacity"] = *size;
    // What the API says of the claim is for people; the folder serves either way.
    (void)sources.api().patch(kube::persistent_volume_claims(), kube::key_of(*found),
                              kube::PatchType::MergePatch, {{"status", std::move(status)}},
                              {.subresource = "status"});
  }
  return folder;
}

base::Result<fs::path> materialise(Sources& sources, const VolumeContext& context,
                                   const Json& volume) {
  const std::string name = base::string_at(volume, {"name"});
  ASSIGN_OR_RETURN(const fs::path folder, inside(context.files.folder / "volumes", name));
  if (const Json* host = base::find(volume, {"hostPath"})) return host_path(*host);
  if (const Json* source = base::find(volume, {"persistentVolumeClaim"}))
    return claim(sources, *source, context.claims_folder);
  // An ephemeral claim is the pod's own and goes with it, as an emptyDir does.
  RETURN_IF_ERROR(base::make_folders(folder));
  const auto filler = [&](const Json& source) {
    return Filler{.sources = sources,
                  .context = context,
                  .folder = folder,
                  .mode = mode_at(source, "defaultMode", kDefaultMode)};
  };
  if (const Json* map = base::find(volume, {"configMap"}))
    RETURN_IF_ERROR(filler(*map).keys(*map, "configmap", base::string_at(*map, {"name"})));
  if (const Json* secret = base::find(volume, {"secret"}))
    RETURN_IF_ERROR(
        filler(*secret).keys(*secret, "secret", base::string_at(*secret, {"secretName"})));
  if (const Json* fields = base::find(volume, {"downwardAPI"}))
    RETURN_IF_ERROR(filler(*fields).downward(*fields));
  if (const Json* projected = base::find(volume, {"projected"}))
    RETURN_IF_ERROR(filler(*projected).projected(*projected));
  return folder;
}

}  // namespace

fs::path claim_folder(const fs::path& claims_folder, const Json& claim) {
  const kube::ObjectKey key = kube::key_of(claim);
  return claims_folder / (key.ns + "_" + key.name + "_" + kube::uid_of(claim));
}

base::Result<VolumeFolders> materialise_volumes(Sources& sources, const VolumeContext& context) {
  VolumeFolders folders;
  const Json* volumes = base::find(sources.pod(), {"spec", "volumes"});
  if (volumes == nullptr || !volumes->is_array()) return folders;
  for (const Json& volume : *volumes) {
    const std::string name = base::string_at(volume, {"name"});
    auto folder = materialise(sources, context, volume);
    if (!folder)
      return failure(
          folder.error().with_context("MountVolume.SetUp failed for volume \"" + name + "\""));
    folders[name] = std::move(*folder);
  }
  return folders;
}

base::Status add_mounts(const Json& container, const VolumeFolders& folders,
                        const Environment& environment, PathMap& paths) {
  const Json* mounts = base::find(container, {"volumeMounts"});
  if (mounts == nullptr || !mounts->is_array()) return {};
  for (const Json& mount : *mounts) {
    const std::string name = base::string_at(mount, {"name"});
    const auto found = folders.find(name);
    if (found == folders.end())
      return failure(Code::InvalidArgument, "volumeMounts: there is no volume \"" + name + "\"");
    fs::path target = found->second;
    std::string sub_path = base::string_at(mount, {"subPath"});
    if (const std::string text = base::string_at(mount, {"subPathExpr"}); !text.empty())
      sub_path = expand(text, environment);
    if (!sub_path.empty()) {
      ASSIGN_OR_RETURN(target, inside(target, sub_path));
      if (!base::path_exists(target)) RETURN_IF_ERROR(base::make_folders(target));
    }
    paths.add(base::string_at(mount, {"mountPath"}), target.string());
  }
  return {};
}

}  // namespace runner::node
