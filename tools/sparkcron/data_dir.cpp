#include "tools/sparkcron/data_dir.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/files.h"
#include "base/log.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

constexpr const char* kStateFiles[] = {"lock",      "token",     "port",          "kubeconfig",
                                       "tls.key",   "api.db",    "api.db-wal",    "api.db-shm",
                                       "databases", "ledger.db", "ledger.db-wal", "ledger.db-shm"};
constexpr const char* kStateFolders[] = {"pods", "logs", "volumes", "claims"};

constexpr size_t kLargestStateFile = 4096;

// Empty when there is none.
base::Result<std::string> read_ours(const std::string& path) {
  auto text = base::read_own_file(path, kLargestStateFile);
  if (!text && text.error().code == Code::NotFound) return std::string();
  return text;
}

// What an earlier version, or a wide umask, left open to others.
base::Status close_to_others(const std::string& folder) {
  const auto visit = [&](const char* name, mode_t mode) -> base::Status {
    const std::string path = folder + "/" + name;
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    RETURN_IF_ERROR(base::check_owner(path));
    // A link of our own (a database on another disk) is followed by whoever opens it.
    if (!S_ISLNK(found.st_mode) && (found.st_mode & 077) != 0) ::chmod(path.c_str(), mode);
    return {};
  };
  for (const char* name : kStateFiles)
    RETURN_IF_ERROR(visit(name, 0600));
  for (const char* name : kStateFolders)
    RETURN_IF_ERROR(visit(name, 0700));
  return {};
}

void warn_about_writers(const std::string& folder) {
  struct stat found{};
  if (::stat(folder.c_str(), &found) != 0) return;
  if ((found.st_mode & 022) == 0 && (found.st_uid == ::geteuid() || found.st_uid == 0)) return;
  base::log_warning(
      "sparkcron",
      "Others can write to the data folder and so replace what is in it; make it your "
      "own with chmod 700",
      {{"folder", folder}, {"owner", std::to_string(found.st_uid)}});
}

tl::unexpected<base::Error> unusable(base::Error error) {
  error.message += ": mend that, or choose another folder with --data-dir";
  return failure(std::move(error));
}

}  // namespace

base::Result<DataDir> DataDir::open(const std::string& path) {
  if (const auto made = base::make_folders(path); !made) return unusable(made.error());
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return unusable(base::system_error("write to " + path, errno));
  warn_about_writers(path);
  const std::string lock_path = path + "/lock";
  auto lock = base::lock_file(lock_path);
  if (!lock && lock.error().code == Code::Conflict) {
    const std::string text = read_ours(lock_path).value_or("");
    const std::string owner = text.substr(0, text.find('\n'));
    return failure(Code::Unavailable, path + " is in use by another sparkcron" +
                                          (owner.empty() ? "" : " (process " + owner + ")") +
                                          ": stop it, or choose another folder with --data-dir");
  }
  if (!lock) return failure(lock.error());
  // For the message above only; the lock itself is the kernel's and ends with this process.
  if (::ftruncate(lock->get(), 0) != 0 ||
      !base::write_all(lock->get(), std::to_string(::getpid()) + "\n"))
    return unusable(base::system_error("write " + lock_path, errno));
  RETURN_IF_ERROR(close_to_others(path));
  return DataDir(path, std::move(*lock));
}

base::Result<std::string> DataDir::token() {
  ASSIGN_OR_RETURN(std::string token, read_ours(file("token")));
  if (token.size() == 64) return token;
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return failure(Code::Internal, "no randomness for the token");
  }
  static constexpr char kHex[] = "0123456789abcdef";
  token.clear();
  for (const unsigned char byte : bytes) {
    token += kHex[byte >> 4];
    token += kHex[byte & 15];
  }
  RETURN_IF_ERROR(base::write_durably(file("token"), token));
  return token;
}

// One name a line. Written only once the database exists: a crash before that is a first start
// still.
base::Status DataDir::expect_database(const std::string& name) const {
  ASSIGN_OR_RETURN(const std::string known, read_ours(file("databases")));
  struct stat found{};
  if (known.find(name + "\n") == std::string::npos || ::stat(file(name).c_str(), &found) == 0)
    return {};
  return failure(Code::Unavailable,
                 file(name) +
                     " is missing, and this folder has been used before: put it back, or remove " +
                     file("databases") + " to begin anew with an empty one");
}

base::Status DataDir::keep_database(const std::string& name) {
  struct stat found{};
  if (::stat(file(name).c_str(), &found) != 0)
    return failure(base::system_error("look at " + file(name), errno));
  databases_.push_back({.name = name, .device = found.st_dev, .inode = found.st_ino});
  ASSIGN_OR_RETURN(std::string known, read_ours(file("databases")));
  if (known.find(name + "\n") != std::string::npos) return {};
  return base::write_durably(file("databases"), known + name + "\n");
}

base::Status DataDir::missing() const {
  for (const File& database : databases_) {
    struct stat found{};
    const bool there = ::stat(file(database.name).c_str(), &found) == 0;
    if (there && found.st_dev == database.device && found.st_ino == database.inode) continue;
    return failure(Code::Unavailable,
                   file(database.name) + (there ? " was replaced" : " was removed") +
                       " while it is in use: what is written now is lost; stop sparkcron, put the "
                       "file back and start again");
  }
  return {};
}

uint16_t DataDir::last_port() const {
  const std::string text = read_ours(file("port")).value_or("");
  uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

base::Status DataDir::keep_port(uint16_t port) {
  return base::write_durably(file("port"), std::to_string(port) + "\n");
}

std::string kubeconfig_text(const std::string& server, const std::string& token,
                            const std::string& ca_file, const std::string& ca_pem) {
  std::string cluster = "    server: " + server + "\n";
  if (!ca_pem.empty())
    cluster += "    certificate-authority-data: " + base::encode_base64(ca_pem) + "\n";
  if (!ca_file.empty()) cluster += "    certificate-authority: " + ca_file + "\n";
  return "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: sparkcron\n"
         "  cluster:\n" +
         cluster +
         "contexts:\n"
         "- name: sparkcron\n"
         "  context:\n"
         "    cluster: sparkcron\n"
         "    user: sparkcron\n"
         "    namespace: default\n"
         "current-context: sparkcron\n"
         "users:\n"
         "- name: sparkcron\n"
         "  user:\n"
         "    token: " +
         token + "\n";
}

}  // namespace sparkcron
