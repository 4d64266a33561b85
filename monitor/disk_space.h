#pragma once

// DiskSpace: how much room is left where the data is, and when that is a reason to warn.
//
// Threads: any.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace monitor {

struct DiskSpace {
  uint64_t free_bytes = 0;  // for an ordinary user
  uint64_t total_bytes = 0;
  uint64_t free_files = 0;  // more that can be made; both zero where the file system does not count
  uint64_t total_files = 0;
};

// Unavailable when the system does not say.
base::Result<DiskSpace> disk_space_at(const std::string& path);

// Below 512 MiB, or a twentieth of a disk that is smaller than 10 GiB: "only 120 MiB are free where
// the data is"; below 1 % of its files: "only 1200 more files can be made where the data is".
base::Status check_disk_space(const DiskSpace& space);

}  // namespace monitor
