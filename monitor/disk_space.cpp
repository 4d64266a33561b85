#include "monitor/disk_space.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/statvfs.h>

namespace monitor {

using base::Code;
using base::failure;

namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;
constexpr uint64_t kEnoughBytes = 512 * kMebibyte;

}  // namespace

base::Result<DiskSpace> disk_space_at(const std::string& path) {
  struct statvfs found{};
  if (::statvfs(path.c_str(), &found) != 0)
    return failure(Code::Unavailable,
                   "look at the disk of " + path + ": " + std::generic_category().message(errno));
  return DiskSpace{.free_bytes = uint64_t{found.f_bavail} * found.f_frsize,
                   .total_bytes = uint64_t{found.f_blocks} * found.f_frsize,
                   .free_files = found.f_favail,
                   .total_files = found.f_files};
}

base::Status check_disk_space(const DiskSpace& space) {
  if (space.free_bytes < std::min(kEnoughBytes, space.total_bytes / 20))
    return failure(Code::Unavailable, "only " + std::to_string(space.free_bytes / kMebibyte) +
                                          " MiB are free where the data is");
  if (space.free_files < space.total_files / 100)
    return failure(Code::Unavailable, "only " + std::to_string(space.free_files) +
                                          " more files can be made where the data is");
  return {};
}

}  // namespace monitor
