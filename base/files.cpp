#include "base/files.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <memory>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace base {
namespace {

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

// "3 MiB", "100 bytes".
std::string size_text(size_t bytes) {
  constexpr size_t kKibi = size_t{1} << 10;
  if (bytes == 0 || bytes % kKibi != 0) return std::to_string(bytes) + " bytes";
  if (bytes % (kKibi * kKibi) != 0) return std::to_string(bytes / kKibi) + " KiB";
  return std::to_string(bytes / kKibi / kKibi) + " MiB";
}

Status check_owner(const fs::path& path, const struct stat& found) {
  if (found.st_uid == ::geteuid() || found.st_uid == 0) return {};
  return failure(Code::Forbidden, path.string() + " belongs to user " +
                                      std::to_string(found.st_uid) +
                                      ": remove it, or choose another folder");
}

// Whoever may write to the folder could have put a link, a pipe or a file of his own there.
Result<FileDescriptor> open_own(const fs::path& path, int flags, const std::string& doing) {
  FileDescriptor fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid() && errno == ELOOP) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode))
      return failure(Code::Forbidden, path.string() + " is a symbolic link: remove it");
    return failure(system_error(doing + " " + path.string(), ELOOP));
  }
  if (!fd.valid()) return failure(system_error(doing + " " + path.string(), errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0)
    return failure(system_error("look at " + path.string(), errno));
  if (!S_ISREG(info.st_mode))
    return failure(Code::Forbidden, path.string() + " is not a file: remove it");
  RETURN_IF_ERROR(check_owner(path, info));
  // What an earlier version left open to others. Best effort: who may not change the mode may still
  // use the file.
  if ((info.st_mode & 077) != 0) static_cast<void>(::fchmod(fd.get(), 0600));
  return fd;
}

enum class Durability { None, Synced };

// O_NONBLOCK: a pipe that stands there is an error, not a wait for its reader.
Status create(const fs::path& path, int flags, std::string_view content, mode_t mode,
              Durability durability) {
  const FileDescriptor fd(
      ::open(path.c_str(), flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid()) return failure(system_error("create " + path.string(), errno));
  // Before the content: a secret is never readable by more people than it should be.
  if (::fchmod(fd.get(), mode) != 0) return failure(system_error("chmod " + path.string(), errno));
  if (!write_all(fd.get(), content) || (durability == Durability::Synced && ::fsync(fd.get()) != 0))
    return failure(system_error("write " + path.string(), errno));
  return {};
}

Result<std::string> read_all(const FileDescriptor& fd, const fs::path& path, size_t limit) {
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(system_error("read " + path.string(), errno));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit)
      return failure(Code::TooLarge, "read " + path.string() + ": longer than " + size_text(limit));
  }
}

}  // namespace

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error system_error(const std::string& what, int error_number) {
  return {code_of(error_number), what + ": " + std::generic_category().message(error_number),
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

Result<std::string> read_file(const fs::path& path, size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failure(system_error("read " + path.string(), errno));
  return read_all(fd, path, limit);
}

Result<std::string> read_own_file(const fs::path& path, size_t limit) {
  ASSIGN_OR_RETURN(const FileDescriptor fd, open_own(path, O_RDONLY, "read"));
  return read_all(fd, path, limit);
}

Result<std::string> read_plain_file(const fs::path& path, size_t limit) {
  ASSIGN_OR_RETURN(const FileDescriptor fd, open_to_read(path));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0)
    return failure(system_error("look at " + path.string(), errno));
  if (!S_ISREG(info.st_mode))
    return failure(Code::InvalidArgument, path.string() + " is not a file");
  return read_all(fd, path, limit);
}

Result<FileDescriptor> open_to_read(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return failure(system_error("read " + path.string(), errno));
  return fd;
}

std::string read_at(const FileDescriptor& file, uint64_t offset, size_t bytes) {
  std::string content(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t got =
        ::pread(file.get(), content.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  content.resize(have);
  return content;
}

std::string read_tail(const fs::path& path, size_t bytes) {
  const auto file = open_to_read(path);
  if (!file) return {};
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size <= 0) return {};
  const size_t wanted = std::min(bytes, static_cast<size_t>(size));
  return read_at(*file, static_cast<uint64_t>(size) - wanted, wanted);
}

Status write_durably(const fs::path& path, std::string_view content, mode_t mode) {
  const fs::path temporary = path.string() + ".new";
  // Of a crash before the rename, or somebody's trap: a link, or a file that he holds open.
  ::unlink(temporary.c_str());
  Status done = create(temporary, O_EXCL, content, mode, Durability::Synced);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = failure(system_error("rename " + temporary.string(), errno));
  if (done) return sync_folder(path.parent_path());
  // Half a file takes room where there may be none left.
  ::unlink(temporary.c_str());
  return done;
}

Status write_plainly(const fs::path& path, std::string_view content, mode_t mode) {
  return create(path, O_TRUNC, content, mode, Durability::None);
}

Status make_folders(const fs::path& path, mode_t mode) {
  // Each of its folders would be looked at, and none can be made.
  if (path.native().size() >= PATH_MAX)
    return failure(
        system_error("create folder " + path.native().substr(0, 100) + "…", ENAMETOOLONG));
  if (path.empty() || kind_of_path(path).value_or(PathKind::Missing) == PathKind::Folder) return {};
  RETURN_IF_ERROR(make_folders(path.parent_path(), mode));
  if (::mkdir(path.c_str(), mode) == 0) {
    // The umask may have taken from the mode what its owner needs.
    if (::chmod(path.c_str(), mode) == 0) return {};
    return failure(system_error("chmod " + path.string(), errno));
  }
  const int problem = errno;
  if (problem == EEXIST && kind_of_path(path).value_or(PathKind::Missing) == PathKind::Folder)
    return {};
  return failure(
      system_error("create folder " + path.string(), problem == EEXIST ? ENOTDIR : problem));
}

Status sync_folder(const fs::path& folder) {
  const char* path = folder.empty() ? "." : folder.c_str();
  const FileDescriptor fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0)
    return failure(system_error("sync " + folder.string(), errno));
  return {};
}

Result<std::vector<std::string>> list_folder(const fs::path& folder) {
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::opendir(folder.c_str()), close);
  if (stream == nullptr) return failure(system_error("read folder " + folder.string(), errno));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return failure(system_error("read folder " + folder.string(), errno));
  return names;
}

Result<PathKind> kind_of_path(const fs::path& path) {
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

Status check_owner(const fs::path& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) return check_owner(path, info);
  if (errno == ENOENT) return {};
  return failure(system_error("look at " + path.string(), errno));
}

Result<FileDescriptor> lock_file(const fs::path& path) {
  ASSIGN_OR_RETURN(FileDescriptor fd, open_own(path, O_RDWR | O_CREAT, "open"));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return failure(Code::Conflict, path.string() + " is locked");
    return failure(system_error("lock " + path.string(), errno));
  }
  return fd;
}

Result<bool> is_locked(const fs::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) return false;
  if (!fd.valid()) return failure(system_error("open " + path.string(), errno));
  // A shared try: two readers asking at once do not take each other for the owner.
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return failure(system_error("try the lock " + path.string(), errno));
}

}  // namespace base
