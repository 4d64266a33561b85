#pragma once

// DataDir: the folder that standalone keeps everything in, held by one process at a time.
//
// Files are private to the user (0600, the folder 0700). The bearer token and the port survive
// restarts, so that kubeconfigs and running drivers stay valid. Threads: main only.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace sparkcron {

class DataDir {
 public:
  // Creates the folder if needed and locks it. Errors name the folder: "/srv/x: permission denied",
  // "/srv/x is in use by another sparkcron (process 4711)".
  static base::Result<DataDir> open(const std::string& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  // The API's bearer token: 256 random bits in hex, made at the first start.
  base::Result<std::string> token();
  // The port of the last start; 0 if there was none.
  [[nodiscard]] uint16_t last_port() const;
  base::Status keep_port(uint16_t port);

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

// Replaces the file in one step (mode 0600): readers see the old or the new content, also after a
// crash.
base::Status write_private_file(const std::string& path, const std::string& content);

// A kubeconfig for one server and token.
std::string kubeconfig_text(const std::string& server, const std::string& token,
                            const std::string& ca_file);

}  // namespace sparkcron
