#include "tools/sparkctl/upload.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"
#include "base/json.h"
#include "config/names.h"
#include "kube/object.h"
#include "kube/resource_type.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

// What an API server takes in one ConfigMap.
constexpr size_t kMaxInConfigMap = size_t{1} << 20;
// One file is held in memory while it is sent.
constexpr size_t kMaxFile = size_t{512} << 20;
constexpr std::chrono::minutes kSendingTakes{30};
constexpr int kTries = 5;

std::string in_mebibytes(size_t bytes) {
  const size_t tenths = (bytes * 10 + (size_t{1} << 20) - 1) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

json config_map(const std::string& name, const std::string& ns, const LocalFile& file,
                const std::string& bytes) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", name}, {"namespace", ns}, {"labels", {{config::kUploadLabel, "true"}}}}},
          {"immutable", true},
          {"binaryData", {{file.name, base::encode_base64(bytes)}}}};
}

json& application_spec(Manifest& manifest) {
  json& spec = manifest.object["spec"];
  return manifest.type == config::spark_applications() ? spec : spec["template"];
}

// No API server is to be blamed.
tl::unexpected<base::Error> store_failed(const base::Error& error) {
  return failure(Code::Refused, error.message);
}

bool can_mount(Manifest& manifest) {
  json& driver = application_spec(manifest)["driver"];
  if (driver.is_null()) driver = json::object();
  if (!driver.is_object()) return false;
  const auto maps = driver.find("configMaps");
  return maps == driver.end() || maps->is_null() || maps->is_array();
}

json owner_reference(const json& owner) {
  return {{"apiVersion", base::string_at(owner, {"apiVersion"})},
          {"kind", base::string_at(owner, {"kind"})},
          {"name", kube::key_of(owner).name},
          {"uid", kube::uid_of(owner)}};
}

}  // namespace

base::Result<std::unique_ptr<Upload>> Upload::open(Session& session, const UploadOptions& options) {
  std::unique_ptr<Upload> upload(new Upload(session, options));
  const std::string& to = options.to.url;
  if (to.empty() || to.starts_with("/")) {
    if (!options.to.endpoint.empty() || !options.to.region.empty() ||
        !options.to.credentials_file.empty())
      return failure(Code::InvalidArgument,
                     "--upload-endpoint, --upload-region and --upload-credentials-file are for "
                     "--upload-to s3://BUCKET");
    return upload;
  }
  auto resolved = base::s3::resolve(options.to, session.environment);
  if (!resolved) return failure(resolved.error().with_context("--upload-to"));
  resolved->bucket.timeout = kSendingTakes;
  upload->bucket_.emplace(std::move(resolved->bucket));
  if (!resolved->prefix.empty()) upload->prefix_ = resolved->prefix + "/";
  return upload;
}

base::Status Upload::send(std::vector<Manifest>& manifests) {
  std::vector<std::vector<LocalFile>> files;
  for (Manifest& manifest : manifests) {
    auto found = find_local_files(manifest, kMaxFile);
    if (!found) return failure(found.error().with_context(manifest.file));
    if (!found->empty() && !can_mount(manifest))
      return failure(Code::InvalidArgument,
                     manifest.file + ": driver must be an object, and driver.configMaps a list");
    for (const LocalFile& file : *found) {
      if (options_.to.url.empty() && file.bytes > kMaxInConfigMap)
        return failure(Code::TooLarge,
                       manifest.file + ": " + file.field + ": " + file.path + " has " +
                           in_mebibytes(file.bytes) +
                           ", and a ConfigMap holds 1 MiB: name a bucket or, for a service on this "
                           "machine, a folder with --upload-to");
    }
    files.push_back(*std::move(found));
  }
  for (size_t i = 0; i < manifests.size(); ++i) {
    for (const LocalFile& file : files[i]) {
      const base::Status sent = send_one(file, i, manifests[i]);
      if (sent) continue;
      undo();
      return failure(sent.error().with_context(manifests[i].file + ": " + file.field));
    }
  }
  return {};
}

base::Status Upload::send_one(const LocalFile& file, size_t index, Manifest& manifest) {
  ASSIGN_OR_RETURN(const std::string uri, bucket_ ? to_bucket(file, manifest)
                                          : options_.to.url.empty()
                                              ? to_config_map(file, index, manifest)
                                              : to_folder(file));
  *file.value = uri + file.fragment;
  return {};
}

base::Result<std::string> Upload::to_config_map(const LocalFile& file, size_t index,
                                                Manifest& manifest) {
  const std::string ns = kube::key_of(manifest.object).ns;
  const std::string name = "sparkctl-" + file.id;
  const std::string folder = config::kUploadFolder + ("/" + file.id);
  const auto known = std::find_if(maps_.begin(), maps_.end(), [&](const Made& one) {
    return one.key == kube::ObjectKey{ns, name};
  });
  const auto map = static_cast<size_t>(known - maps_.begin());
  if (known == maps_.end()) {
    ASSIGN_OR_RETURN(const std::string bytes, read_again(file));
    Made made{.key = {ns, name}, .uid = {}, .map = config_map(name, ns, file, bytes)};
    const auto created = session_.api.create(kube::config_maps(), made.map);
    if (created) {
      made.uid = kube::uid_of(*created);
    } else if (created.error().code == Code::AlreadyExists) {
      ASSIGN_OR_RETURN(const json there, session_.api.get(kube::config_maps(), made.key));
      const json* held = base::find(there, {"binaryData"});
      if (held == nullptr || *held != made.map["binaryData"])
        return failure(Code::Conflict, "ConfigMap " + made.key.to_string() +
                                           " is there and holds something else: delete it");
    } else {
      return failure(created.error());
    }
    say(file, (made.uid.empty() ? "is there already: configmap/" : "sent: configmap/") + name);
    maps_.push_back(std::move(made));
  }
  uses_.emplace_back(index, map);
  json& mounts = application_spec(manifest)["driver"]["configMaps"];
  const json entry = {{"name", name}, {"path", folder}};
  if (std::find(mounts.begin(), mounts.end(), entry) == mounts.end()) mounts.push_back(entry);
  return "file://" + folder + "/" + file.name;
}

base::Result<std::string> Upload::to_bucket(const LocalFile& file, Manifest& manifest) {
  const std::string key = prefix_ + file.id + "/" + file.name;
  const auto looked = bucket_->has(key);
  if (!looked) return store_failed(looked.error());
  const bool there = *looked;
  const std::string uri = "s3a://" + bucket_->name() + "/" + key;
  if (!there) {
    ASSIGN_OR_RETURN(const std::string bytes, read_again(file));
    if (const base::Status put = bucket_->put(key, bytes); !put) return store_failed(put.error());
  }
  say(file, (there ? "is there already: " : "sent: ") + uri);
  // A store that is not AWS's has to be found by Spark, too.
  if (!options_.to.endpoint.empty()) {
    json& conf = application_spec(manifest)["hadoopConf"];
    if (conf.is_null()) conf = json::object();
    if (conf.is_object()) {
      conf.emplace("fs.s3a.endpoint", options_.to.endpoint);
      conf.emplace("fs.s3a.path.style.access", "true");
    }
  }
  return uri;
}

base::Result<std::string> Upload::to_folder(const LocalFile& file) {
  const std::filesystem::path folder = std::filesystem::path(options_.to.url) / file.id;
  const std::filesystem::path path = folder / file.name;
  ASSIGN_OR_RETURN(const base::PathKind kind, base::kind_of_path(path));
  if (kind == base::PathKind::Missing) {
    ASSIGN_OR_RETURN(const std::string bytes, read_again(file));
    // Drivers may be another user's.
    RETURN_IF_ERROR(base::make_folders(folder, 0755));
    RETURN_IF_ERROR(base::write_durably(path, bytes, 0644));
  }
  say(file, (kind == base::PathKind::Missing ? "sent: " : "is there already: ") + path.string());
  return "file://" + path.string();
}

void Upload::adopt(size_t index, const json& created) {
  for (const auto& [manifest, map] : uses_) {
    if (manifest != index) continue;
    Made& made = maps_[map];
    made.adopted = true;
    const base::Status owned = own(made, created);
    if (!owned)
      session_.err << "sparkctl: warning: configmap/" << made.key.name
                   << " stays when what uses it is deleted: " << owned.error().message << '\n';
  }
}

// It may be somebody's whose last use has just been deleted, so that it goes while we look.
base::Status Upload::own(Made& made, const json& owner) {
  const json reference = owner_reference(owner);
  base::Status last;
  for (int i = 0; i < kTries; ++i) {
    auto there = session_.api.get(kube::config_maps(), made.key);
    if (!there && there.error().code == Code::NotFound) {
      json again = made.map;
      again["metadata"]["ownerReferences"] = json::array({reference});
      const auto created = session_.api.create(kube::config_maps(), again);
      if (created) return {};
      last = failure(created.error());
      continue;
    }
    if (!there) return failure(there.error());
    if (kube::is_owned_by(*there, kube::uid_of(owner))) return {};
    (*there)["metadata"]["ownerReferences"].push_back(reference);
    const auto updated = session_.api.update(kube::config_maps(), *there);
    if (updated) return {};
    last = failure(updated.error());
    if (last.error().code != Code::Conflict && last.error().code != Code::NotFound) break;
  }
  return last;
}

void Upload::undo() {
  for (const Made& made : maps_) {
    if (made.uid.empty() || made.adopted) continue;
    const auto removed = session_.api.remove(kube::config_maps(), made.key, {.uid = made.uid});
    if (!removed && removed.error().code != Code::NotFound)
      session_.err << "sparkctl: warning: configmap/" << made.key.name
                   << " is left over: " << removed.error().message << '\n';
  }
}

void Upload::say(const LocalFile& file, const std::string& what) {
  session_.out << file.name << ' ' << what << '\n';
}

}  // namespace sparkctl
