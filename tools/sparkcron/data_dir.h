#pragma once

// DataDir: the folder that standalone keeps everything in, held by one process at a time.
//
// Files are private to the user (0600, folders 0700) whatever the umask; those of an earlier start
// are closed to others. A folder that was there keeps its mode, and a warning says when others can
// write to it. What others may have planted there is not believed: links are not followed, files of
// another user (root excepted) are refused. The bearer token and the port survive restarts, so that
// kubeconfigs and running drivers stay valid. Threads: main only, but for missing().

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace sparkcron {

class DataDir {
 public:
  // Creates the folder if needed and locks it. Errors name the folder: "write to /srv/x: Permission
  // denied: mend that, …",
  // "/srv/x is in use by another sparkcron (process 4711)", "/srv/x/lock belongs to user 1002: …".
  static base::Result<DataDir> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  // The API's bearer token: 256 random bits in hex, made at the first start.
  base::Result<std::string> token();
  // Refuses a folder whose database was there at an earlier start and is not now: an empty one
  // would begin in silence. Its text says the way out.
  [[nodiscard]] base::Status expect_database(const std::string& name) const;
  // The database exists: from now on it is expected, and watched by missing().
  base::Status keep_database(const std::string& name);
  // Which of the databases in use do not stand under their paths any more (removed or replaced).
  // Any thread, after the last keep_database().
  [[nodiscard]] base::Status missing() const;
  // The port of the last start; 0 if there was none.
  [[nodiscard]] uint16_t last_port() const;
  base::Status keep_port(uint16_t port);

 private:
  DataDir(std::string path, base::FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  struct File {
    std::string name;
    uint64_t device = 0;
    uint64_t inode = 0;
  };
  std::string path_;
  base::FileDescriptor lock_;
  std::vector<File> databases_;
};

// A kubeconfig for one server and token.
std::string kubeconfig_text(const std::string& server, const std::string& token,
                            const std::string& ca_file, const std::string& ca_pem = "");

}  // namespace sparkcron
