#include "runner/node/files.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace runner::node {
namespace {

using base::Code;
using base::failure;
namespace fs = std::filesystem;

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH:  // a file in /proc whose process has just gone
      return Code::NotFound;
    case EACCES:
    case EPERM:
      return Code::Forbidden;
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTDIR:  // no path for anything, whatever happens on the disk
      return Code::InvalidArgument;
    default:
      return Code::Unavailable;
  }
}

base::Status write_file(const fs::path& path, std::string_view content, mode_t mode, bool durable) {
  const FileDescriptor fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return failure(system_error("create " + path.string(), errno));
  // Before the content: a secret is never readable by more people than it should be.
  if (::fchmod(fd.get(), mode) != 0) return failure(system_error("chmod " + path.string(), errno));
  if (!write_all(fd.get(), content) || (durable && ::fsync(fd.get()) != 0))
    return failure(system_error("write " + path.string(), errno));
  return {};
}

}  // namespace

base::Status sync_folder(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0)
    return failure(system_error("sync " + folder.string(), errno));
  return {};
}

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

base::Error system_error(const std::string& what, int error_number) {
  const Code code = code_of(error_number);
  return {code, what + ": " + std::generic_category().message(error_number),
          std::chrono::milliseconds{0}};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

base::Result<std::string> read_file(const fs::path& path, size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failure(system_error("read " + path.string(), errno));
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(system_error("read " + path.string(), errno));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit)
      return failure(Code::TooLarge,
                     "read " + path.string() + ": longer than " + std::to_string(limit) + " bytes");
  }
}

std::string read_tail(const fs::path& path, size_t bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return {};
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size <= 0) return {};
  std::string content(std::min(bytes, static_cast<size_t>(size)), '\0');
  const ssize_t got =
      ::pread(fd.get(), content.data(), content.size(), size - static_cast<off_t>(content.size()));
  content.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return content;
}

base::Status write_durably(const fs::path& path, std::string_view content, mode_t mode) {
  // A crash before the rename leaves a ".new" that the next write truncates.
  const fs::path temporary = path.string() + ".new";
  RETURN_IF_ERROR(write_file(temporary, content, mode, true));
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return failure(system_error("rename " + temporary.string(), errno));
  return sync_folder(path.parent_path());
}

base::Status write_plainly(const fs::path& path, std::string_view content, mode_t mode) {
  return write_file(path, content, mode, false);
}

base::Result<PathKind> kind_of_path(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return PathKind::Missing;
    return failure(system_error("look at " + path.string(), errno));
  }
  if (S_ISDIR(info.st_mode)) return PathKind::Folder;
  return S_ISREG(info.st_mode) ? PathKind::File : PathKind::Other;
}

bool path_exists(const fs::path& path) {
  return kind_of_path(path).value_or(PathKind::Missing) != PathKind::Missing;
}

base::Status make_folders(const fs::path& path, mode_t mode) {
  if (path.empty() || kind_of_path(path).value_or(PathKind::Missing) == PathKind::Folder) return {};
  RETURN_IF_ERROR(make_folders(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) == 0) return {};
  const int problem = errno;
  if (problem == EEXIST && kind_of_path(path).value_or(PathKind::Missing) == PathKind::Folder)
    return {};
  return failure(
      system_error("create folder " + path.string(), problem == EEXIST ? ENOTDIR : problem));
}

base::Result<std::vector<std::string>> list_folder(const fs::path& folder) {
  DIR* stream = ::opendir(folder.c_str());
  if (stream == nullptr) return failure(system_error("read folder " + folder.string(), errno));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int problem = errno;
  ::closedir(stream);
  if (problem != 0) return failure(system_error("read folder " + folder.string(), problem));
  return names;
}

base::Result<FileDescriptor> lock_file(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return failure(system_error("open " + path.string(), errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return failure(Code::Conflict, path.string() + " is locked");
    return failure(system_error("lock " + path.string(), errno));
  }
  return fd;
}

base::Result<bool> is_locked(const fs::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return false;
  if (!fd.valid()) return failure(system_error("open " + path.string(), errno));
  // A shared try: two readers asking at once do not take each other for the owner.
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return failure(system_error("try the lock " + path.string(), errno));
}

}  // namespace runner::node
