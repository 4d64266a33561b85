#pragma once

// Files, read and written in one place: within limits, durable where it counts, private whatever
// the umask.
//
// A crash leaves either the old content or the new, never half of one (write_durably). Reading what
// a person names follows links; what we own (read_own_file, lock_file, everything that is written)
// is not believed to be ours before it was looked at: a link at the end of the path, what is no
// regular file and what belongs to another user (root excepted) is Forbidden, and the text says
// what to do ("/x/token is a symbolic link: remove it").
//
// Errors: with the path and the system's words ("write /x/y: No space left on device"); NotFound,
// Forbidden and InvalidArgument (no path for anything) as the system says, TooLarge above a limit,
// Unavailable for the rest. Nothing here throws for a path: a path is what users write, and
// std::filesystem throws for some of them. Threads: no shared state.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace base {

// An open file descriptor, closed at the end of its life.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_;
};

inline constexpr size_t kLargestFile = size_t{64} << 20;

// Missing file: NotFound. Longer than `limit` bytes: TooLarge, with nothing kept. Links are
// followed, and pipes are read to their end.
Result<std::string> read_file(const std::filesystem::path& path, size_t limit = kLargestFile);
// The same of a file that we wrote: must be ours, and is 0600 afterwards.
Result<std::string> read_own_file(const std::filesystem::path& path, size_t limit = kLargestFile);
// The same of what a program may have put there: InvalidArgument unless it is a file, and a pipe is
// not waited for. Links are followed.
Result<std::string> read_plain_file(const std::filesystem::path& path, size_t limit = kLargestFile);
// For reading in portions what may be large; links are followed. A pipe that a program has put
// there is not waited for.
Result<FileDescriptor> open_to_read(const std::filesystem::path& path);
// Up to `bytes` from `offset` on; fewer at the end of the file, or when it cannot be read there.
std::string read_at(const FileDescriptor& file, uint64_t offset, size_t bytes);
// The last `bytes` of a file; empty when it cannot be read, or is no file.
std::string read_tail(const std::filesystem::path& path, size_t bytes);

// Temporary file (PATH.new, begun anew, never written into one that is there), fsync, rename, fsync
// of the folder.
Status write_durably(const std::filesystem::path& path, std::string_view content,
                     mode_t mode = 0600);
// Plain create-or-truncate, for files whose loss costs nothing; `mode` also when it existed. A link
// is not written through.
Status write_plainly(const std::filesystem::path& path, std::string_view content,
                     mode_t mode = 0600);
// Writes everything or fails with errno.
bool write_all(int fd, std::string_view content);

// Folders that are there keep their mode, new ones have this one.
Status make_folders(const std::filesystem::path& path, mode_t mode = 0700);
// Makes the names in a folder durable.
Status sync_folder(const std::filesystem::path& folder);
// The names in a folder, without "." and "..", in no order.
Result<std::vector<std::string>> list_folder(const std::filesystem::path& folder);

enum class PathKind { Missing, File, Folder, Other };
// What is there, links followed. A path that cannot be looked at is an error.
Result<PathKind> kind_of_path(const std::filesystem::path& path);
bool path_exists(const std::filesystem::path& path);
// Forbidden when what stands there (links not followed) belongs to another user, root excepted.
// What is missing belongs to nobody.
Status check_owner(const std::filesystem::path& path);

// Takes the exclusive lock on a file of ours, creating it. Conflict when somebody else holds it.
Result<FileDescriptor> lock_file(const std::filesystem::path& path);
// Whether somebody holds the lock; an absent file is not locked. An error is no answer.
Result<bool> is_locked(const std::filesystem::path& path);

// "write /x/y: No space left on device", from errno.
Error system_error(const std::string& what, int error_number);

}  // namespace base
