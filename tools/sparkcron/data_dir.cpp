#include "tools/sparkcron/data_dir.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

// "/srv/x: permission denied": the system's words, as a fragment.
tl::unexpected<base::Error> system_failure(const std::string& what, int number) {
  std::string reason = std::strerror(number);
  if (!reason.empty())
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  const Code code =
      number == EACCES || number == EPERM || number == EROFS ? Code::Forbidden : Code::Unavailable;
  return failure(code, what + ": " + reason);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<size_t>(got));
  }
}

constexpr const char* kStateFiles[] = {"lock",      "token",     "port",          "kubeconfig",
                                       "tls.key",   "api.db",    "api.db-wal",    "api.db-shm",
                                       "databases", "ledger.db", "ledger.db-wal", "ledger.db-shm"};
constexpr const char* kStateFolders[] = {"pods", "logs", "volumes", "claims"};

base::Status check_owner(const std::string& path, const struct stat& found) {
  if (found.st_uid == ::geteuid() || found.st_uid == 0) return {};
  return failure(Code::Forbidden, path + " belongs to user " + std::to_string(found.st_uid) +
                                      ": remove it, or choose another folder with --data-dir");
}

// A file of ours, opened without following a link, closed to others from now on. Value -1: not
// there.
base::Result<int> open_ours(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0 && errno == ENOENT) return -1;
  if (fd < 0 && errno == ELOOP)
    return failure(Code::Forbidden, path + " is a symbolic link: remove it");
  if (fd < 0) return system_failure(path, errno);
  struct stat found{};
  base::Status fine = ::fstat(fd, &found) == 0 ? base::Status{} : system_failure(path, errno);
  if (fine && !S_ISREG(found.st_mode)) fine = failure(Code::Forbidden, path + " is not a file");
  if (fine) fine = check_owner(path, found);
  if (!fine) {
    ::close(fd);
    return failure(fine.error());
  }
  if ((found.st_mode & 077) != 0) ::fchmod(fd, 0600);
  return fd;
}

// Empty when there is none.
base::Result<std::string> read_ours(const std::string& path) {
  ASSIGN_OR_RETURN(const int fd, open_ours(path, O_RDONLY));
  if (fd < 0) return std::string();
  std::string text = read_all(fd);
  ::close(fd);
  return text;
}

// What an earlier version, or a wide umask, left open to others.
base::Status close_to_others(const std::string& folder) {
  const auto visit = [&](const char* name, mode_t mode) -> base::Status {
    const std::string path = folder + "/" + name;
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    RETURN_IF_ERROR(check_owner(path, found));
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

bool write_all(int fd, const std::string& content) {
  for (size_t at = 0; at < content.size();) {
    const ssize_t written = ::write(fd, content.data() + at, content.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

base::Status write_private_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  // Of a crash, or somebody's trap.
  ::unlink(temporary.c_str());
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_failure("write " + temporary, errno);
  const bool written = ::fchmod(fd, 0600) == 0 && write_all(fd, content) && ::fsync(fd) == 0;
  const int problem = errno;
  ::close(fd);
  if (!written) return system_failure("write " + path, problem);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure("write " + path, errno);
  return {};
}

base::Result<DataDir> DataDir::open(const std::string& path) {
  std::error_code problem;
  const bool created = std::filesystem::create_directories(path, problem);
  if (problem) return system_failure(path, problem.value());
  // A folder that was there keeps its mode: somebody chose it.
  if (created) ::chmod(path.c_str(), 0700);
  warn_about_writers(path);
  const std::string lock_path = path + "/lock";
  ASSIGN_OR_RETURN(const int lock, open_ours(lock_path, O_RDWR | O_CREAT));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    std::string owner = read_all(lock);
    ::close(lock);
    while (!owner.empty() && owner.back() == '\n')
      owner.pop_back();
    return failure(Code::Unavailable, path + " is in use by another sparkcron" +
                                          (owner.empty() ? "" : " (process " + owner + ")") +
                                          ": stop it, or choose another folder with --data-dir");
  }
  DataDir folder(path, lock);
  // For the message above only; the lock itself is the kernel's and ends with this process.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 || !write_all(lock, pid)) return system_failure(path, errno);
  RETURN_IF_ERROR(close_to_others(path));
  return folder;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      databases_(std::move(other.databases_)) {}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
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
  RETURN_IF_ERROR(write_private_file(file("token"), token));
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
  if (::stat(file(name).c_str(), &found) != 0) return system_failure(file(name), errno);
  databases_.push_back({.name = name, .device = found.st_dev, .inode = found.st_ino});
  ASSIGN_OR_RETURN(std::string known, read_ours(file("databases")));
  if (known.find(name + "\n") != std::string::npos) return {};
  return write_private_file(file("databases"), known + name + "\n");
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
  return write_private_file(file("port"), std::to_string(port) + "\n");
}

std::string kubeconfig_text(const std::string& server, const std::string& token,
                            const std::string& ca_file) {
  std::string cluster = "    server: " + server + "\n";
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
