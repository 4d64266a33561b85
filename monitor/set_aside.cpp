#include "monitor/set_aside.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/log.h"
#include "base/rfc3339.h"

namespace monitor {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::failure;
using base::Result;

constexpr std::array<const char*, 3> kSuffixes = {"-wal", "-shm", ""};

// 20261128T013000Z: sorts by time and needs no quoting anywhere.
std::string stamp_of(base::WallTime now) {
  std::string stamp = base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return stamp;
}

// The names of PATH.corrupt-…, without those of -wal and -shm, the oldest first.
std::set<std::string> all_set_aside(const fs::path& path) {
  const std::string begin = path.filename().string() + ".corrupt-";
  std::set<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(path.parent_path().empty() ? fs::path(".") : path.parent_path(),
                               error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    for (const char* suffix : {"-wal", "-shm"})
      if (name.ends_with(suffix)) name.resize(name.size() - 4);
    if (name.starts_with(begin)) names.insert(std::move(name));
  }
  return names;
}

void remove_oldest(const fs::path& path) {
  const std::set<std::string> names = all_set_aside(path);
  size_t excess = names.size() - std::min(names.size(), kMaxSetAside);
  for (auto name = names.begin(); excess > 0; ++name, --excess) {
    for (const char* suffix : kSuffixes) {
      std::error_code error;
      const fs::path file = path.parent_path() / (*name + suffix);
      if (!fs::remove(file, error) && error)
        base::log_warning("monitor", "Could not remove a file that was set aside",
                          {{"path", file.string()}, {"error", error.message()}});
    }
  }
}

}  // namespace

Result<std::string> set_aside(const std::string& path, base::WallTime now) {
  std::string target = path + ".corrupt-" + stamp_of(now);
  // Twice in a second, or a clock that went back: nothing is overwritten.
  std::error_code error;
  for (int again = 2; fs::exists(target, error); ++again)
    target = path + ".corrupt-" + stamp_of(now) + "-" + std::to_string(again);
  // The database last: a crash before it leaves a file that is damaged, or one without its last
  // moments. The other way round its log would lie beside a new database.
  for (const char* suffix : kSuffixes) {
    std::error_code refused;
    fs::rename(path + suffix, target + suffix, refused);
    if (refused && refused != std::errc::no_such_file_or_directory)
      return failure(Code::Unavailable, "set aside " + path + suffix + ": " + refused.message());
  }
  remove_oldest(path);
  return target;
}

}  // namespace monitor
