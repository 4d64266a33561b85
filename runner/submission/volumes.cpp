#include "runner/submission/volumes.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <nlohmann/json.hpp>

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

// Reads the keys of one volume, remembering the first required one that is missing.
class VolumeKeys {
 public:
  VolumeKeys(const Conf& conf, std::string_view prefix, const std::string& type,
             const std::string& name)
      : conf_(conf), prefix_(prefix), type_(type), id_(type + "." + name + ".") {}

  std::string optional(const char* key) const { return first_of(conf_, {prefix_ + id_ + key}); }
  std::string required(const char* key) {
    const std::string* value = find(conf_, prefix_ + id_ + key);
    if (value != nullptr) return *value;
    if (missing_.empty()) missing_ = id_ + key + " is required for " + type_;
    return {};
  }
  auto map(const char* key) const { return with_prefix(conf_, prefix_ + id_ + key); }
  std::string full(const char* key) const { return prefix_ + id_ + key; }
  const std::string& id() const { return id_; }
  const std::string& missing() const { return missing_; }

 private:
  const Conf& conf_;
  std::string prefix_;
  std::string type_;
  std::string id_;
  std::string missing_;
};

base::Status check_size(const std::string& size) {
  // A bare small number is meant in gigabytes and would be bytes.
  int64_t bytes = 0;
  const auto [end, problem] = std::from_chars(size.data(), size.data() + size.size(), bytes);
  const bool bare = problem == std::errc{} && end == size.data() + size.size() && bytes >= 0;
  if (bare && bytes < 1024) {
    return failure(Code::InvalidArgument,
                   "Volume size `" + size + "` is smaller than 1KiB. Missing units?");
  }
  return {};
}

base::Status read_options(const SparkVersion& version, VolumeKeys& keys, Volume& volume) {
  if (volume.type == "hostPath") {
    volume.path = keys.required("options.path");
    if (version.has(Rule::HostPathTypes)) volume.host_path_type = keys.optional("options.type");
  } else if (volume.type == "persistentVolumeClaim") {
    volume.claim_name = keys.required("options.claimName");
    volume.storage_class = keys.optional("options.storageClass");
    volume.size_limit = keys.optional("options.sizeLimit");
    if (version.has(Rule::VolumeMetadata)) {
      volume.labels = keys.map("label.");
      volume.annotations = keys.map("annotation.");
    }
  } else if (volume.type == "emptyDir") {
    volume.medium = keys.optional("options.medium");
    volume.size_limit = keys.optional("options.sizeLimit");
  } else if (volume.type == "nfs" && version.has(Rule::NfsVolumes)) {
    volume.path = keys.required("options.path");
    volume.server = keys.required("options.server");
  } else {
    return failure(Code::InvalidArgument,
                   "Kubernetes Volume type `" + volume.type + "` is not supported");
  }
  return version.has(Rule::VolumeSizesNeedUnits) ? check_size(volume.size_limit) : base::Status();
}

base::Result<Volume> read_volume(const Conf& conf, std::string_view prefix,
                                 const SparkVersion& version, const std::string& type,
                                 const std::string& name) {
  VolumeKeys keys(conf, prefix, type, name);
  Volume volume;
  volume.type = type;
  volume.name = name;
  const std::string* path = find(conf, keys.full("mount.path"));
  if (path == nullptr)
    return failure(Code::InvalidArgument, "key not found: " + keys.id() + "mount.path");
  volume.mount_path = *path;
  RETURN_IF_ERROR(read_options(version, keys, volume));
  volume.sub_path = keys.optional("mount.subPath");
  if (version.has(Rule::SubPathExpressions)) {
    volume.sub_path_expr = keys.optional("mount.subPathExpr");
    if (!volume.sub_path.empty() && !volume.sub_path_expr.empty()) {
      return failure(Code::InvalidArgument,
                     "These config options are mutually exclusive: " + keys.id() +
                         "mount.subPath, " + keys.id() + "mount.subPathExpr");
    }
  }
  const std::string read_only = keys.optional("mount.readOnly");
  volume.read_only = lower(read_only) == "true";
  if (!volume.read_only && !read_only.empty() && lower(read_only) != "false")
    return failure(Code::InvalidArgument, "For input string: \"" + read_only + "\"");
  if (!keys.missing().empty()) return failure(Code::InvalidArgument, keys.missing());
  return volume;
}

}  // namespace

base::Result<std::vector<Volume>> parse_volumes(const Conf& conf, std::string_view prefix,
                                                const SparkVersion& version) {
  std::set<std::pair<std::string, std::string>> ids;  // (type, name)
  for (const auto& [rest, value] : with_prefix(conf, prefix)) {
    const size_t dot = rest.find('.');
    if (dot == std::string::npos) {
      return failure(Code::InvalidArgument,
                     std::string(prefix) + rest + " should be <type>.<name>.<option>");
    }
    const size_t end = std::min(rest.find('.', dot + 1), rest.size());
    ids.emplace(rest.substr(0, dot), rest.substr(dot + 1, end - dot - 1));
  }
  std::vector<Volume> volumes;
  std::set<std::string> paths;
  for (const auto& [type, name] : ids) {
    ASSIGN_OR_RETURN(Volume volume, read_volume(conf, prefix, version, type, name));
    if (!paths.insert(volume.mount_path).second && version.has(Rule::MountPathsAreUnique)) {
      return failure(Code::InvalidArgument,
                     "Found duplicated mountPath: '" + volume.mount_path + "'");
    }
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

json volume_json(const Volume& volume, const std::string& claim) {
  json source = json::object();
  if (volume.type == "hostPath") {
    source = {{"path", volume.path}, {"type", volume.host_path_type}};
  } else if (volume.type == "persistentVolumeClaim") {
    source = {{"claimName", claim}, {"readOnly", volume.read_only}};
  } else if (volume.type == "emptyDir") {
    source["medium"] = volume.medium;
    if (!volume.size_limit.empty()) source["sizeLimit"] = volume.size_limit;
  } else {
    source = {{"path", volume.path}, {"server", volume.server}};
  }
  return {{"name", volume.name}, {volume.type, std::move(source)}};
}

json mount_json(const Volume& volume, const SparkVersion& version) {
  json mount = {{"name", volume.name},
                {"mountPath", volume.mount_path},
                {"readOnly", volume.read_only},
                {"subPath", volume.sub_path}};
  if (version.has(Rule::SubPathExpressions)) mount["subPathExpr"] = volume.sub_path_expr;
  return mount;
}

}  // namespace runner::submission
