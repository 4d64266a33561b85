#include "monitor/log_archive.h"

#include <algorithm>
#include <system_error>

#include "base/log.h"
#include "monitor/archived_log.h"
#include "runner/node/log_reader.h"

namespace monitor {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::failure;
using base::Result;
using base::Status;

constexpr const char* kSuffix = ".log";

// Names become folders: those of Kubernetes never look otherwise, but this is not the place to
// believe it.
bool is_safe(const std::string& name) {
  return !name.empty() && name.size() <= 253 && name[0] != '.' &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

// Removes a file and every folder above it that is empty now, up to the root.
void remove_upwards(const fs::path& path, const fs::path& root) {
  std::error_code error;
  fs::remove(path, error);
  if (error)
    base::log_warning("monitor", "Could not remove a log",
                      {{"path", path.string()}, {"error", error.message()}});
  for (fs::path folder = path.parent_path(); folder != root; folder = folder.parent_path())
    if (!fs::remove(folder, error) || error) break;  // not empty: it holds other logs
}

}  // namespace

Result<std::unique_ptr<LogArchive>> LogArchive::open(LogArchiveOptions options,
                                                     base::Clock& clock) {
  std::error_code error;
  fs::create_directories(options.root, error);
  if (error)
    return failure(error == std::errc::permission_denied ? Code::Forbidden : Code::Unavailable,
                   "create " + options.root.string() + ": " + error.message());
  std::unique_ptr<LogArchive> archive(new LogArchive(std::move(options), clock));
  base::MutexLock lock(archive->mutex_);
  archive->scan();
  archive->make_room();
  return archive;
}

void LogArchive::scan() {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(options_.root, error), end; entry != end;
       entry.increment(error)) {
    if (error) break;
    if (!entry->is_regular_file(error)) continue;
    const fs::path relative = fs::relative(entry->path(), options_.root, error);
    std::vector<std::string> parts;
    for (const fs::path& part : relative)
      parts.push_back(part.string());
    // <namespace>/<run>/<run uid>/<pod>/<pod uid>/<container>.log
    if (parts.size() != 6 || !parts[5].ends_with(kSuffix)) {
      // A copy that a crash has cut off: the log was not acknowledged, so its owner comes again.
      if (relative.extension() == ".part") fs::remove(entry->path(), error);
      continue;
    }
    std::error_code missing;
    const uint64_t times = fs::file_size(times_of(entry->path()), missing);
    Kept kept{.path = entry->path(),
              .bytes = entry->file_size(error) + (missing ? 0 : times),
              .written = entry->last_write_time(error)};
    total_ += kept.bytes;
    logs_[{.pod = {.ns = parts[0], .name = parts[3]},
           .pod_uid = parts[4],
           .container = parts[5].substr(0, parts[5].size() - std::string(kSuffix).size())}] =
        std::move(kept);
  }
}

Status LogArchive::keep(const FinishedLog& log) {
  for (const std::string* name :
       {&log.run.ns, &log.run.name, &log.run_uid, &log.pod.name, &log.pod_uid, &log.container})
    if (!is_safe(*name))
      return failure(Code::InvalidArgument, "keep a log: \"" + *name + "\" cannot be a file name");
  const fs::path folder =
      options_.root / log.run.ns / log.run.name / log.run_uid / log.pod.name / log.pod_uid;
  const fs::path path = folder / (log.container + kSuffix);
  base::MutexLock lock(mutex_);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return failure(Code::Unavailable, "create " + folder.string() + ": " + error.message());
  ASSIGN_OR_RETURN(const uint64_t bytes, write_log(path, log.files, options_.max_log_bytes));
  Kept& kept = logs_[{.pod = {.ns = log.run.ns, .name = log.pod.name},
                      .pod_uid = log.pod_uid,
                      .container = log.container}];
  total_ = total_ - kept.bytes + bytes;
  kept = {.path = path, .bytes = bytes, .written = fs::last_write_time(path, error)};
  make_room();
  return {};
}

void LogArchive::make_room() {
  while (total_ > options_.max_total_bytes && !logs_.empty())
    drop(std::min_element(logs_.begin(), logs_.end(), [](const auto& left, const auto& right) {
      return left.second.written < right.second.written;
    }));
}

void LogArchive::drop(std::map<Name, Kept>::iterator log) {
  std::error_code missing;
  fs::remove(times_of(log->second.path), missing);
  remove_upwards(log->second.path, options_.root);
  total_ -= log->second.bytes;
  logs_.erase(log);
}

void LogArchive::forget(const kube::ObjectKey& run, const std::string& run_uid) {
  if (!is_safe(run.ns) || !is_safe(run.name) || !is_safe(run_uid)) return;
  const fs::path folder = options_.root / run.ns / run.name / run_uid;
  base::MutexLock lock(mutex_);
  for (auto log = logs_.lower_bound({.pod = {.ns = run.ns}}); log != logs_.end();) {
    const auto next = std::next(log);
    if (log->first.pod.ns != run.ns) break;
    // <run uid>/<pod>/<pod uid>/<container>.log
    if (log->second.path.parent_path().parent_path().parent_path() == folder) drop(log);
    log = next;
  }
}

// Of several pods of that name the newest, of its containers the one named or the only one.
Result<fs::path> LogArchive::find(const kube::ObjectKey& pod, const std::string& uid,
                                  const std::string& container) const {
  std::string newest_uid = uid;
  const Kept* newest = nullptr;
  for (auto log = logs_.lower_bound({.pod = pod}); log != logs_.end() && log->first.pod == pod;
       ++log) {
    if (!container.empty() && log->first.container != container) continue;
    if (!uid.empty() && log->first.pod_uid != uid) continue;
    if (newest == nullptr || newest->written < log->second.written) {
      newest = &log->second;
      newest_uid = log->first.pod_uid;
    }
  }
  if (newest == nullptr) {
    const std::string what = container.empty() ? "the log" : "the log of container " + container;
    return failure(Code::NotFound, what + " of pod " + pod.name + " is not kept");
  }
  std::string names;
  size_t count = 0;
  for (auto log = logs_.lower_bound({.pod = pod, .pod_uid = newest_uid});
       log != logs_.end() && log->first.pod == pod && log->first.pod_uid == newest_uid; ++log) {
    names += (names.empty() ? "" : " ") + log->first.container;
    ++count;
  }
  if (container.empty() && count > 1)
    return failure(Code::InvalidArgument, "a container name must be specified for pod " + pod.name +
                                              ", choose one of: [" + names + "]");
  return newest->path;
}

Result<std::unique_ptr<kube::LogReader>> LogArchive::open(const kube::ObjectKey& pod,
                                                          const std::string& uid,
                                                          const kube::LogOptions& options) {
  fs::path path;
  {
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(path, find(pod, uid, options.container));
  }
  if (options.previous)
    return failure(Code::NotFound,
                   "the log of an earlier run of a container of pod " + pod.name + " is not kept");
  const auto look = [path]() -> Result<runner::node::ContainerLog> {
    return runner::node::ContainerLog{.files = {path}, .finished = true};
  };
  return runner::node::open_log(look, options, clock_);
}

uint64_t LogArchive::total_bytes() const {
  base::MutexLock lock(mutex_);
  return total_;
}

}  // namespace monitor
