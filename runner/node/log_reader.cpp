#include "runner/node/log_reader.h"

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mutex.h"
#include "base/rfc3339.h"
#include "runner/node/log_file.h"

namespace runner::node {
namespace {

using base::Code;
using base::failure;
namespace fs = std::filesystem;

constexpr size_t kChunk = 128 * 1024;
constexpr std::chrono::milliseconds kLookAgain{200};

struct OpenLog {
  fs::path path;
  base::FileDescriptor file;
  base::FileDescriptor times_file;  // follows the log when that is rotated
  std::vector<LogTime> times;       // what was read of it so far
  ino_t inode = 0;
  uint64_t offset = 0;
};

std::optional<OpenLog> open_at(const fs::path& path, uint64_t offset) {
  OpenLog log{.path = path,
              .file = base::FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
              .times_file = base::FileDescriptor(
                  ::open((path.string() + ".times").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
              .times = {}};
  struct stat info{};
  if (!log.file.valid() || ::fstat(log.file.get(), &info) != 0) return std::nullopt;
  log.inode = info.st_ino;
  log.offset = offset;
  return log;
}

std::string read_at(const OpenLog& log, uint64_t offset, size_t bytes) {
  std::string text(bytes, '\0');
  const ssize_t got = ::pread(log.file.get(), text.data(), text.size(), static_cast<off_t>(offset));
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

// Reads what has been added to the times since the last look.
void read_times(OpenLog& log) {
  while (log.times_file.valid()) {
    std::vector<LogTime> more(4096);
    const ssize_t got = ::pread(log.times_file.get(), more.data(), more.size() * sizeof(LogTime),
                                static_cast<off_t>(log.times.size() * sizeof(LogTime)));
    const size_t whole = got <= 0 ? 0 : static_cast<size_t>(got) / sizeof(LogTime);
    if (whole == 0) return;
    log.times.insert(log.times.end(), more.begin(),
                     more.begin() + static_cast<std::ptrdiff_t>(whole));
  }
}

uint64_t size_of(const OpenLog& log) {
  struct stat info{};
  return ::fstat(log.file.get(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// Where the last `lines` lines begin; what they lack in this file is subtracted from `lines`.
uint64_t begin_of_last(const OpenLog& log, int64_t& lines) {
  const uint64_t size = size_of(log);
  uint64_t end = size;
  while (end > 0) {
    const uint64_t begin = end > kChunk ? end - kChunk : 0;
    const std::string block = read_at(log, begin, static_cast<size_t>(end - begin));
    for (size_t at = block.size(); at > 0; --at) {
      // The newline that ends the file ends its last line; it begins none.
      if (block[at - 1] != '\n' || begin + at == size) continue;
      if (--lines == 0) return begin + at;
    }
    end = begin;
  }
  if (size > 0) --lines;
  return 0;
}

// The first byte of a line that came at or after `since`.
uint64_t begin_since(OpenLog& log, base::WallTime since) {
  read_times(log);
  for (const LogTime& time : log.times) {
    if (base::WallTime(std::chrono::milliseconds(time.millis)) < since) continue;
    if (time.offset == 0 || read_at(log, time.offset - 1, 1) == "\n") return time.offset;
    const std::string rest = read_at(log, time.offset, kChunk);
    const size_t newline = rest.find('\n');
    return newline == std::string::npos ? time.offset + rest.size() : time.offset + newline + 1;
  }
  return size_of(log);
}

class ContainerLogReader final : public kube::LogReader {
 public:
  ContainerLogReader(LookAtLog look, const kube::LogOptions& options, base::Clock& clock)
      : look_(std::move(look)), options_(options), clock_(clock) {
    if (options.limit_bytes) left_ = std::max<int64_t>(0, *options.limit_bytes);
  }

  base::Status begin() {
    ASSIGN_OR_RETURN(const ContainerLog log, look_());
    finished_ = log.finished;
    for (const fs::path& path : log.files)
      if (auto one = open_at(path, 0)) logs_.push_back(std::move(*one));
    // From the last file backwards; a file that gives no line gives nothing at all.
    int64_t lines = std::max<int64_t>(0, options_.tail_lines.value_or(0));
    for (size_t i = logs_.size(); i-- > 0;) {
      OpenLog& one = logs_[i];
      if (options_.since) one.offset = begin_since(one, *options_.since);
      if (!options_.tail_lines) continue;
      const uint64_t tail = lines > 0 ? begin_of_last(one, lines) : size_of(one);
      one.offset = std::max(one.offset, tail);
    }
    return {};
  }

  base::Result<std::optional<std::string>> read() override {
    while (true) {
      if (is_cancelled()) return failure(Code::Cancelled, "cancelled");
      if (left_ && *left_ == 0) return std::optional<std::string>();
      std::string text = next();
      if (!text.empty()) return limit(std::move(text));
      // Complete when it was said to be before the last look at the file.
      if (!options_.follow || finished_) return std::optional<std::string>();
      const auto log = look_();
      finished_ = !log || log->finished;
      if (!finished_) wait();
    }
  }

  void cancel() override {
    base::MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  bool is_cancelled() {
    base::MutexLock lock(mutex_);
    return cancelled_;
  }

  void wait() {
    const base::SteadyTime until = clock_.steady_now() + kLookAgain;
    base::MutexLock lock(mutex_);
    while (!cancelled_ && clock_.steady_now() < until)
      clock_.wait_until(lock, changed_, until);
  }

  std::string next() {
    while (!logs_.empty()) {
      OpenLog& log = logs_.front();
      std::string text = read_at(log, log.offset, kChunk);
      if (!text.empty()) {
        std::string shown = options_.timestamps ? with_times(log, text) : text;
        log.offset += text.size();
        return shown;
      }
      if (logs_.size() > 1) {
        logs_.erase(logs_.begin());
        continue;
      }
      // Rotated: this file goes by another name now, and is complete.
      struct stat info{};
      if (::stat(log.path.c_str(), &info) != 0 || info.st_ino == log.inode) return {};
      auto fresh = open_at(log.path, 0);
      if (!fresh) return {};
      if (!read_at(log, log.offset, 1).empty()) continue;
      logs_.front() = std::move(*fresh);
    }
    return {};
  }

  std::string with_times(OpenLog& log, const std::string& text) {
    read_times(log);
    std::string shown;
    shown.reserve(text.size() * 2);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
      if (at_line_start_) shown += time_at(log.times, log.offset + at) + " ";
      shown.append(text, at, end - at);
      at_line_start_ = text[end - 1] == '\n';
      at = end;
    }
    return shown;
  }

  // Lines that came at the same time are many, and a time is dear to write.
  const std::string& time_at(const std::vector<LogTime>& times, uint64_t offset) {
    auto after =
        std::upper_bound(times.begin(), times.end(), offset,
                         [](uint64_t wanted, const LogTime& time) { return wanted < time.offset; });
    const int64_t millis = after == times.begin() ? 0 : std::prev(after)->millis;
    if (last_time_.empty() || millis != last_millis_)
      last_time_ = base::format_rfc3339_micro(base::WallTime(std::chrono::milliseconds(millis)));
    last_millis_ = millis;
    return last_time_;
  }

  std::optional<std::string> limit(std::string text) {
    if (left_) {
      if (static_cast<int64_t>(text.size()) > *left_) text.resize(static_cast<size_t>(*left_));
      *left_ -= static_cast<int64_t>(text.size());
    }
    return text;
  }

  const LookAtLog look_;
  const kube::LogOptions options_;
  base::Clock& clock_;
  std::vector<OpenLog> logs_;  // oldest first; the front is being read
  bool finished_ = false;
  bool at_line_start_ = true;
  int64_t last_millis_ = 0;
  std::string last_time_;
  std::optional<int64_t> left_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

}  // namespace

base::Result<std::unique_ptr<kube::LogReader>> open_log(LookAtLog look,
                                                        const kube::LogOptions& options,
                                                        base::Clock& clock) {
  auto reader = std::make_unique<ContainerLogReader>(std::move(look), options, clock);
  RETURN_IF_ERROR(reader->begin());
  return std::unique_ptr<kube::LogReader>(std::move(reader));
}

}  // namespace runner::node
