#pragma once

// Small files written so that a crash leaves either the old content or the new, never half of one.
//
// Errors: with the path and the system's words ("write /x/y: No space left on device"); NotFound
// and Forbidden as the system says, Unavailable for the rest. Nothing here throws: a path is what
// users write, and std::filesystem throws for some of them. Threads: no shared state.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace runner::node {

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

// Missing file: NotFound. Longer than `limit` bytes: TooLarge.
base::Result<std::string> read_file(const std::filesystem::path& path,
                                    size_t limit = size_t{64} << 20);
// The last `bytes` of a file; empty when it cannot be read.
std::string read_tail(const std::filesystem::path& path, size_t bytes);
// Temporary file, fsync, rename, fsync of the folder.
base::Status write_durably(const std::filesystem::path& path, std::string_view content,
                           mode_t mode);
// Plain create-or-truncate, for files whose loss costs nothing; `mode` also when it existed.
base::Status write_plainly(const std::filesystem::path& path, std::string_view content,
                           mode_t mode);
// Makes the names in a folder durable.
base::Status sync_folder(const std::filesystem::path& folder);
base::Status make_folders(const std::filesystem::path& path, mode_t mode = 0700);
enum class PathKind { Missing, File, Folder, Other };
// What is there, links followed. A path that cannot be looked at is an error.
base::Result<PathKind> kind_of_path(const std::filesystem::path& path);
bool path_exists(const std::filesystem::path& path);
// Takes the exclusive lock on a file, creating it. Conflict when somebody else holds it.
base::Result<FileDescriptor> lock_file(const std::filesystem::path& path);
// Whether somebody holds the lock; an absent file is not locked. An error is no answer.
base::Result<bool> is_locked(const std::filesystem::path& path);
// The names in a folder, without "." and "..", in no order.
base::Result<std::vector<std::string>> list_folder(const std::filesystem::path& folder);

// Writes everything or fails with errno.
bool write_all(int fd, std::string_view content);
// "write /x/y: No space left on device", from errno.
base::Error system_error(const std::string& what, int error_number);

}  // namespace runner::node
