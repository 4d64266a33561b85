#pragma once

// Upload: the files of this machine that manifests name, brought to where pods can read them, and
// the manifests rewritten to say so. A file is sent once: what it is called and holds is its
// address. Three places, by what --upload-to says:
//
// - nothing: each file is a ConfigMap of its own, up to 1 MiB, which the driver mounts. Executors
// get
//   it from the driver, as from a spark-submit in client mode. The objects that use a ConfigMap own
//   it, so it goes with the last of them.
// - s3://BUCKET/PREFIX: s3a://BUCKET/PREFIX/<id>/<name>, which Spark reads with credentials of its
//   own. Nothing is ever removed there.
// - /FOLDER: FOLDER/<id>/<name>, for a service whose pods see the same folder: one machine.
//
// Everything is found and checked before anything is sent. Errors: as find_local_files, the API and
// base::s3 say; nothing is left of ConfigMaps that no created object uses. Threads: main only.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/s3/bucket.h"
#include "base/s3/place.h"
#include "tools/sparkctl/connect.h"
#include "tools/sparkctl/local_files.h"
#include "tools/sparkctl/manifests.h"
#include "tools/sparkctl/session.h"

namespace sparkctl {

struct UploadOptions {
  bool wanted = false;
  base::s3::Place to{
      .option = "--upload", .url = {}, .endpoint = {}, .region = {}, .credentials_file = {}};
};

class Upload {
 public:
  // Without --upload nothing is looked for.
  static base::Result<std::unique_ptr<Upload>> open(Session& session, const UploadOptions& options);

  // Finds and checks what the manifests name, sends it, and rewrites them.
  base::Status send(std::vector<Manifest>& manifests);
  // `created` uses the files of manifests[index] from now on.
  void adopt(size_t index, const kube::Json& created);
  // Takes back ConfigMaps that were made here and that nothing has adopted.
  void undo();

 private:
  struct Made {
    kube::ObjectKey key;
    std::string uid;  // "" = it was there already
    kube::Json map;
    bool adopted = false;
  };
  Upload(Session& session, const UploadOptions& options) : session_(session), options_(options) {}
  base::Status send_one(const LocalFile& file, size_t index, Manifest& manifest);
  base::Result<std::string> to_config_map(const LocalFile& file, size_t index, Manifest& manifest);
  base::Result<std::string> to_bucket(const LocalFile& file, Manifest& manifest);
  base::Result<std::string> to_folder(const LocalFile& file);
  base::Status own(Made& made, const kube::Json& owner);
  void say(const LocalFile& file, const std::string& what);

  Session& session_;
  const UploadOptions& options_;
  std::optional<base::s3::Bucket> bucket_;
  std::string prefix_;  // of keys; "" or with a slash behind it
  std::vector<Made> maps_;
  std::vector<std::pair<size_t, size_t>> uses_;  // manifest, map
};

}  // namespace sparkctl
