#pragma once

// set_aside(): takes a damaged SQLite file out of the way, for a person to look at.
//
// Threads: a pure function but for the file system; nobody has the file open.

#include <cstddef>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace monitor {

// Of each file the newest are kept.
inline constexpr size_t kMaxSetAside = 3;

// Renames PATH, PATH-wal and PATH-shm to PATH.corrupt-20261128T013000Z… and removes what was set
// aside before the last kMaxSetAside times. Returns the new path. Unavailable when the disk
// refuses: then PATH is where it was, and calling again goes on.
base::Result<std::string> set_aside(const std::string& path, base::WallTime now);

}  // namespace monitor
