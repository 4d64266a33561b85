#include "monitor/log_archive.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <system_error>

#include <sys/stat.h>

#include "base/files.h"
#include "base/log.h"
#include "monitor/packed_log.h"
#include "runner/node/log_reader.h"

namespace monitor {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::failure;
using base::Result;
using base::Status;

constexpr const char* kNoSchedule = "-";  // no name of Kubernetes looks so
// <namespace>/<schedule>/<run>/<run uid>/<pod>/<pod uid>/<file>
constexpr size_t kDepth = 7;
constexpr size_t kMaxAgedPortion = 16;

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

// Of a plain log: when which byte of it came, as runner/node/log_file.h has it.
fs::path times_of(const fs::path& log) {
  return log.string() + ".times";
}

Status make_folders(const fs::path& folder) {
  return base::make_folders(folder, S_IRWXU);
}

using Visit = std::function<void(const fs::path&, const std::vector<std::string>& parts)>;

// Every regular file below, with the names that lead to it. A folder that cannot be read is said
// and passed over; links are not followed.
void for_each_file(const fs::path& folder, const Visit& visit,
                   std::vector<std::string> parts = {}) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    std::error_code unknown;
    const fs::file_status status = entry->symlink_status(unknown);
    parts.push_back(entry->path().filename().string());
    if (fs::is_directory(status) && parts.size() < kDepth)
      for_each_file(entry->path(), visit, parts);
    else if (fs::is_regular_file(status))
      visit(entry->path(), parts);
    parts.pop_back();
  }
  if (error)
    base::log_warning("monitor", "Could not read a folder of logs",
                      {{"path", folder.string()}, {"error", error.message()}});
}

}  // namespace

Result<std::unique_ptr<LogArchive>> LogArchive::open(LogArchiveOptions options,
                                                     base::Clock& clock) {
  RETURN_IF_ERROR(make_folders(options.root));
  std::error_code refused;
  // Of an earlier version, or made by somebody else under a generous umask.
  fs::permissions(options.root, fs::perms::owner_all, refused);
  if (refused)
    base::log_warning("monitor", "Could not close the folder of logs to others",
                      {{"path", options.root.string()}, {"error", refused.message()}});
  std::unique_ptr<LogArchive> archive(new LogArchive(std::move(options), clock));
  base::MutexLock lock(archive->mutex_);
  archive->scan();
  archive->make_room();
  return archive;
}

// --- The index -----------------------------------------------------------------------------------

void LogArchive::scan() {
  for_each_file(options_.root, [this](const fs::path& path, const std::vector<std::string>& parts)
                                   REQUIRES(mutex_) { found(path, parts); });
}

void LogArchive::found(const fs::path& path, const std::vector<std::string>& parts) {
  std::error_code error;
  std::vector<std::string> names = parts;
  // <namespace>/<run>/…: as an earlier version had it, which knew no schedules.
  if (names.size() == kDepth - 1) names.insert(names.begin() + 1, kNoSchedule);
  const auto file = names.size() == kDepth ? parse_log_file_name(names.back()) : std::nullopt;
  if (!file) {
    // What a crash has left of a copy: the log was not acknowledged, so its owner comes again.
    // Times without their log are of the same kind.
    fs::path log = path;
    log.replace_extension();
    if (path.extension() == ".part" || path.extension() == ".new" ||
        (path.extension() == ".times" && !fs::exists(log, error)))
      fs::remove(path, error);
    return;
  }
  const auto written = fs::last_write_time(path, error);
  if (error) return;  // gone meanwhile
  std::error_code missing;
  const uint64_t times = fs::file_size(times_of(path), missing);
  const uint64_t text = fs::file_size(path, error);
  ArchivedLog log{.path = path,
                  .schedule = {.ns = names[0], .name = names[1]},
                  .run = names[2],
                  .run_uid = names[3],
                  .attempt = file->attempt,
                  .bytes = (error ? 0 : text) + (missing ? 0 : times),
                  .written = std::chrono::floor<std::chrono::milliseconds>(
                      std::chrono::file_clock::to_sys(written))};
  add({.pod = {.ns = names[0], .name = names[4]},
       .pod_uid = names[5],
       .container = file->container},
      std::move(log));
}

void LogArchive::add(const LogName& name, ArchivedLog log) {
  take_out(name);
  log.bytes = std::max(log.bytes, options_.least_bytes);
  total_ += log.bytes;
  Share& share = shares_[log.schedule];
  share.bytes += log.bytes;
  share.oldest_first.emplace(log.written, name);
  logs_[name] = std::move(log);
}

void LogArchive::take_out(const LogName& name) {
  const auto log = logs_.find(name);
  if (log == logs_.end()) return;
  total_ -= log->second.bytes;
  const auto share = shares_.find(log->second.schedule);
  share->second.bytes -= log->second.bytes;
  share->second.oldest_first.erase({log->second.written, name});
  if (share->second.oldest_first.empty()) shares_.erase(share);
  logs_.erase(log);
}

void LogArchive::drop(const LogName& name) {
  const fs::path path = logs_.at(name).path;
  std::error_code missing;
  fs::remove(times_of(path), missing);
  remove_upwards(path, options_.root);
  take_out(name);
}

void LogArchive::drop_oldest_of(const kube::ObjectKey& schedule) {
  const LogName name = shares_.at(schedule).oldest_first.begin()->second;
  drop(name);
}

// --- Bounds --------------------------------------------------------------------------------------

void LogArchive::make_room() {
  std::vector<kube::ObjectKey> schedules;
  for (const auto& [schedule, share] : shares_)
    schedules.push_back(schedule);
  for (const kube::ObjectKey& schedule : schedules)
    for (auto share = shares_.find(schedule);
         share != shares_.end() && share->second.bytes > options_.max_schedule_bytes;
         share = shares_.find(schedule))
      drop_oldest_of(schedule);
  while (total_ > options_.max_total_bytes && !shares_.empty()) {
    const auto largest = std::max_element(
        shares_.begin(), shares_.end(),
        [](const auto& left, const auto& right) { return left.second.bytes < right.second.bytes; });
    drop_oldest_of(kube::ObjectKey(largest->first));
  }
}

// A few at a time: a clock that is wrong for a moment must not cost all logs.
void LogArchive::drop_aged() {
  const base::WallTime oldest = clock_.now() - options_.max_age;
  std::vector<LogName> aged;
  for (const auto& [schedule, share] : shares_) {
    for (const auto& [written, name] : share.oldest_first) {
      if (written >= oldest || aged.size() >= kMaxAgedPortion) break;
      aged.push_back(name);
    }
  }
  for (const LogName& name : aged)
    drop(name);
}

// --- Keeping and forgetting ----------------------------------------------------------------------

Result<fs::path> LogArchive::folder_of(const KeptLog& log) const {
  const std::string schedule = log.schedule.empty() ? kNoSchedule : log.schedule;
  for (const std::string* name : {&log.run.ns, &schedule, &log.run.name, &log.run_uid,
                                  &log.pod.name, &log.pod_uid, &log.container})
    if (!is_safe(*name))
      return failure(Code::InvalidArgument, "keep a log: \"" + *name + "\" cannot be a file name");
  return options_.root / log.run.ns / schedule / log.run.name / log.run_uid / log.pod.name /
         log.pod_uid;
}

Status LogArchive::keep(const FinishedLog& log) {
  const KeptLog names{.schedule = log.schedule,
                      .run = log.run,
                      .run_uid = log.run_uid,
                      .pod = log.pod,
                      .pod_uid = log.pod_uid,
                      .container = log.container,
                      .attempt = log.attempt};
  // A folder that cannot be one is told before anything is read.
  RETURN_IF_ERROR(folder_of(names));
  const auto look = [&log]() -> Result<runner::node::ContainerLog> {
    return runner::node::ContainerLog{.files = log.files, .finished = true};
  };
  ASSIGN_OR_RETURN(const auto reader, runner::node::open_log(look, {.timestamps = true}, clock_));
  NewestLines newest(static_cast<size_t>(options_.max_log_bytes));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string> text, reader->read());
    if (!text) break;
    newest.add(*text);
  }
  ASSIGN_OR_RETURN(const std::string packed, pack(newest.take()));
  return put(names, packed);
}

Status LogArchive::put(const KeptLog& log, const std::string& packed) {
  ASSIGN_OR_RETURN(const fs::path folder, folder_of(log));
  const fs::path path = folder / log_file_name(log.container, log.attempt);
  base::MutexLock files(files_mutex_);
  RETURN_IF_ERROR(make_folders(folder));
  RETURN_IF_ERROR(base::write_durably(path, packed));
  add_kept(log, path, packed.size());
  return {};
}

// A crash before this: the log is found at the next start.
void LogArchive::add_kept(const KeptLog& log, const fs::path& path, uint64_t bytes) {
  base::MutexLock lock(mutex_);
  add({.pod = {.ns = log.run.ns, .name = log.pod.name},
       .pod_uid = log.pod_uid,
       .container = log.container},
      {.path = path,
       .schedule = {.ns = log.run.ns, .name = log.schedule.empty() ? kNoSchedule : log.schedule},
       .run = log.run.name,
       .run_uid = log.run_uid,
       .attempt = log.attempt,
       .bytes = bytes,
       .written = clock_.now()});
  drop_aged();
  make_room();
}

Result<bool> LogArchive::has(const KeptLog& log) {
  base::MutexLock lock(mutex_);
  return logs_.contains({.pod = {.ns = log.run.ns, .name = log.pod.name},
                         .pod_uid = log.pod_uid,
                         .container = log.container});
}

void LogArchive::forget(const kube::ObjectKey& run, const std::string& run_uid) {
  base::MutexLock files(files_mutex_);
  base::MutexLock lock(mutex_);
  std::vector<LogName> names;
  for (auto log = logs_.lower_bound({.pod = {.ns = run.ns}});
       log != logs_.end() && log->first.pod.ns == run.ns; ++log)
    if (log->second.run == run.name && log->second.run_uid == run_uid) names.push_back(log->first);
  for (const LogName& name : names)
    drop(name);
}

// --- Reading -------------------------------------------------------------------------------------

// Of several pods of that name the newest, of its containers the one named or the only one.
Result<fs::path> LogArchive::find(const kube::ObjectKey& pod, const std::string& uid,
                                  const std::string& container) const {
  std::string newest_uid = uid;
  const ArchivedLog* newest = nullptr;
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
  return read(path, options);
}

Result<std::unique_ptr<kube::LogReader>> LogArchive::read(const fs::path& path,
                                                          const kube::LogOptions& options) {
  if (path.extension() == ".gz") {
    ASSIGN_OR_RETURN(const std::string packed, base::read_file(path));
    return open_packed(packed, options);
  }
  const auto look = [path]() -> Result<runner::node::ContainerLog> {
    return runner::node::ContainerLog{.files = {path}, .finished = true};
  };
  return runner::node::open_log(look, options, clock_);
}

Result<fs::path> LogArchive::find_run(const WantedLog& wanted) const {
  base::MutexLock lock(mutex_);
  std::vector<std::pair<const LogName*, const ArchivedLog*>> logs;
  for (auto log = logs_.lower_bound({.pod = {.ns = wanted.run.ns}});
       log != logs_.end() && log->first.pod.ns == wanted.run.ns; ++log)
    if (log->second.run == wanted.run.name) logs.emplace_back(&log->first, &log->second);
  std::stable_sort(logs.begin(), logs.end(), [](const auto& left, const auto& right) {
    return left.second->written < right.second->written;
  });
  std::vector<FoundLog> found;
  for (const auto& [name, log] : logs)
    found.push_back(
        {.run_uid = log->run_uid, .file = {.container = name->container, .attempt = log->attempt}});
  ASSIGN_OR_RETURN(const size_t chosen, choose_log(wanted, found, ""));
  return logs[chosen].second->path;
}

Result<std::unique_ptr<kube::LogReader>> LogArchive::open_run(const WantedLog& wanted,
                                                              const kube::LogOptions& options) {
  ASSIGN_OR_RETURN(const fs::path path, find_run(wanted));
  return read(path, options);
}

Result<std::string> LogArchive::get(const WantedLog& wanted) {
  ASSIGN_OR_RETURN(const fs::path path, find_run(wanted));
  return base::read_file(path);
}

}  // namespace monitor
