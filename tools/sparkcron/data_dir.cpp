#include "tools/sparkcron/data_dir.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
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
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure("write " + path, errno);
  const bool written = write_all(fd, content) && ::fsync(fd) == 0;
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
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return system_failure(path, errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    std::string owner = read_file(lock_path);
    while (!owner.empty() && owner.back() == '\n')
      owner.pop_back();
    return failure(Code::Unavailable, path + " is in use by another sparkcron" +
                                          (owner.empty() ? "" : " (process " + owner + ")") +
                                          ": stop it, or choose another folder with --data-dir");
  }
  // For the message above only; the lock itself is the kernel's and ends with this process.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 || !write_all(lock, pid)) {
    const int number = errno;
    ::close(lock);
    return system_failure(path, number);
  }
  return DataDir(path, lock);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

base::Result<std::string> DataDir::token() {
  std::string token = read_file(file("token"));
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

uint16_t DataDir::last_port() const {
  const std::string text = read_file(file("port"));
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
