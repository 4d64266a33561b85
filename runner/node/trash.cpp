#include "runner/node/trash.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/guard.h"
#include "base/log.h"

namespace runner::node {
namespace {

namespace fs = std::filesystem;

// A program may have taken its own folders the right to be changed.
void make_writable(const fs::path& folder) {
  ::chmod(folder.c_str(), 0700);
  std::error_code problem;
  fs::recursive_directory_iterator entry(folder, problem);
  for (const fs::recursive_directory_iterator end; !problem && entry != end;
       entry.increment(problem))
    if (entry->is_directory(problem) && !entry->is_symlink(problem))
      ::chmod(entry->path().c_str(), 0700);
}

void remove_tree(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (!problem) return;
  make_writable(path);
  fs::remove_all(path, problem);
  if (problem)
    base::log_warning("runner/node", "A folder in the trash was not removed",
                      {{"folder", path.string()}, {"error", problem.message()}});
}

}  // namespace

base::Result<std::unique_ptr<Trash>> Trash::open(fs::path folder) {
  RETURN_IF_ERROR(base::make_folders(folder));
  return std::unique_ptr<Trash>(new Trash(std::move(folder)));
}

Trash::Trash(fs::path folder)
    : folder_(std::move(folder)), thread_(base::start_thread("trash", [this] { loop(); })) {}

Trash::~Trash() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

base::Status Trash::put(const fs::path& path) {
  base::MutexLock lock(mutex_);
  while (true) {
    const fs::path target = folder_ / (path.filename().string() + "." + std::to_string(++count_));
    if (::rename(path.c_str(), target.c_str()) == 0 || errno == ENOENT) break;
    // An earlier service left one of that name, and it is not removed yet.
    if (errno == ENOTEMPTY || errno == EEXIST) continue;
    return base::failure(base::system_error("remove " + path.string(), errno));
  }
  filled_ = true;
  changed_.notify_all();
  return {};
}

void Trash::loop() {
  while (true) {
    {
      base::MutexLock lock(mutex_);
      while (!filled_ && !stopping_)
        changed_.wait(lock);
      if (stopping_) return;
      filled_ = false;
    }
    const auto names = base::list_folder(folder_);
    if (!names) {
      base::log_warning("runner/node", "The trash cannot be looked through, what is in it stays",
                        {{"error", names.error().message}});
      continue;
    }
    for (const std::string& name : *names) {
      remove_tree(folder_ / name);
      base::MutexLock lock(mutex_);
      if (stopping_) return;
    }
  }
}

}  // namespace runner::node
