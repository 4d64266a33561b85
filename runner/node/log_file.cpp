#include "runner/node/log_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

namespace runner::node {
namespace {

base::FileDescriptor open_for_appending(const std::string& path, int flags) {
  return base::FileDescriptor(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

}  // namespace

base::Result<LogFile> LogFile::open(const std::string& path, uint64_t limit) {
  LogFile log(path, limit);
  RETURN_IF_ERROR(log.open_files(0));
  struct stat info{};
  if (::stat((path + ".1").c_str(), &info) == 0) log.before_ = static_cast<uint64_t>(info.st_size);
  return log;
}

base::Status LogFile::open_files(int flags) {
  base::FileDescriptor file = open_for_appending(path_, flags);
  base::FileDescriptor times = open_for_appending(path_ + ".times", flags);
  struct stat info{};
  struct stat times_info{};
  if (!file.valid() || !times.valid() || ::fstat(file.get(), &info) != 0 ||
      ::fstat(times.get(), &times_info) != 0)
    return base::failure(base::system_error("open log " + path_, errno));
  file_ = std::move(file);
  times_ = std::move(times);
  size_ = static_cast<uint64_t>(info.st_size);
  times_size_ = static_cast<uint64_t>(times_info.st_size);
  last_millis_ = -1;
  return {};
}

void LogFile::append(std::string_view output, base::WallTime at) {
  if (size_ > 0 && (size_ + output.size() > limit_ || times_size_ + sizeof(LogTime) > limit_))
    rotate(at);
  if (dropped_ > 0) {
    const uint64_t dropped = dropped_;
    dropped_ = 0;
    write("\n[" + std::to_string(dropped) + " bytes of output could not be written]\n", at);
    if (dropped_ > 0) dropped_ = dropped;
  }
  write(output, at);
}

void LogFile::write(std::string_view text, base::WallTime at) {
  const LogTime time{.offset = size_, .millis = at.time_since_epoch().count()};
  char record[sizeof time];
  std::memcpy(record, &time, sizeof time);
  // A reader that finds a time before its text shows nothing wrong; the other way round it would.
  const bool known = time.millis == last_millis_;
  const bool timed = known || base::write_all(times_.get(), {record, sizeof record});
  if (timed && !known) {
    times_size_ += sizeof record;
    last_millis_ = time.millis;
  }
  if (!timed || !base::write_all(file_.get(), text)) {
    dropped_ += text.size();
    // Part of it may have got through.
    struct stat info{};
    if (::fstat(file_.get(), &info) == 0) size_ = static_cast<uint64_t>(info.st_size);
    return;
  }
  size_ += text.size();
}

void LogFile::rotate(base::WallTime at) {
  const uint64_t full = size_;
  // A crash between the two leaves times that belong to the other file: wrong times, no lost text.
  if (std::rename((path_ + ".times").c_str(), (path_ + ".1.times").c_str()) != 0 ||
      std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0 || !open_files(O_TRUNC))
    return;
  gone_ += before_;
  before_ = full - std::min(full, told_);
  told_ = 0;
  if (gone_ == 0) return;
  const std::string line = "[sparkcron: the log reached " + std::to_string(limit_) +
                           " bytes again, of its oldest output " + std::to_string(gone_) +
                           " bytes are gone]\n";
  told_ = line.size();
  write(line, at);
}

std::vector<LogTime> read_log_times(const std::filesystem::path& log) {
  const std::string raw = base::read_own_file(log.string() + ".times").value_or("");
  std::vector<LogTime> times(raw.size() / sizeof(LogTime));
  if (!times.empty()) std::memcpy(times.data(), raw.data(), times.size() * sizeof(LogTime));
  return times;
}

std::string read_log_tail(const std::filesystem::path& log, size_t bytes) {
  return base::read_tail(log, bytes);
}

}  // namespace runner::node
