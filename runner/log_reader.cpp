#include "runner/log_reader.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mutex.h"

namespace runner {
namespace {

using base::Code;
using base::failure;

constexpr size_t kChunk = size_t{64} << 10;
// How soon a follower sees a new line; inotify would save nothing that a person notices.
constexpr std::chrono::milliseconds kLookAgain{100};

class File {
 public:
  File() = default;
  explicit File(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] ssize_t read_at(off_t offset, std::string& into) const {
    into.resize(kChunk);
    ssize_t got = 0;
    do {
      got = ::pread(fd_, into.data(), into.size(), offset);
    } while (got < 0 && errno == EINTR);
    into.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return got;
  }
  [[nodiscard]] off_t size() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 ? info.st_size : 0;
  }
  [[nodiscard]] bool is_same_as(const std::filesystem::path& path) const {
    struct stat here{};
    struct stat there{};
    return ::fstat(fd_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
  }

 private:
  int fd_ = -1;
};

// Where the last `lines` lines of a file begin; what is still missing is left in `lines`.
off_t tail_offset(const File& file, int64_t& lines) {
  off_t end = file.size();
  std::string block;
  bool last_byte = true;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(kChunk));
    if (file.read_at(begin, block) <= 0) break;
    block.resize(std::min(block.size(), static_cast<size_t>(end - begin)));
    for (size_t at = block.size(); at-- > 0;) {
      const bool ends_line = block[at] == '\n' && !last_byte;
      last_byte = false;
      if (ends_line && --lines == 0) return begin + static_cast<off_t>(at) + 1;
    }
    end = begin;
  }
  if (!last_byte) --lines;
  return 0;
}

class Reader final : public kube::LogReader {
 public:
  Reader(LocateLog locate, const kube::LogOptions& options, base::Clock& clock)
      : locate_(std::move(locate)),
        follow_(options.follow),
        left_(options.limit_bytes),
        clock_(clock) {}

  base::Status begin(const LogFiles& files, const std::optional<int64_t>& tail_lines) {
    finished_ = files.finished;
    for (const auto& path : files.paths)
      pending_.emplace_back(path, 0);
    if (tail_lines) skip_to_tail(*tail_lines);
    return {};
  }

  base::Result<std::optional<std::string>> read() override {
    while (true) {
      if (is_cancelled()) return failure(Code::Cancelled, "cancelled");
      if (left_ && *left_ <= 0) return std::nullopt;
      if (auto data = next_bytes()) return limited(std::move(*data));
      if (!pending_.empty()) {
        open_next();
        continue;
      }
      if (!follow_ || finished_) return std::nullopt;
      if (!look_again()) return std::nullopt;
    }
  }

  void cancel() override {
    base::MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  void skip_to_tail(int64_t lines) {
    // Newest first: older files are needed only for lines that the newer do not have.
    size_t first = pending_.size();
    while (first > 0 && lines > 0) {
      --first;
      const File file(pending_[first].first);
      if (file.is_open()) pending_[first].second = tail_offset(file, lines);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first));
    // A follower of no lines starts at the end of the newest file.
    if (pending_.empty() && follow_) at_end_ = true;
  }

  std::optional<std::string> next_bytes() {
    std::string data;
    if (!file_.is_open() || file_.read_at(offset_, data) <= 0) return std::nullopt;
    offset_ += static_cast<off_t>(data.size());
    return data;
  }

  void open_next() {
    const auto [path, offset] = pending_.front();
    pending_.erase(pending_.begin());
    File file(path);
    if (!file.is_open()) return;  // rotated away meanwhile: its lines are the oldest, and gone
    file_ = std::move(file);
    offset_ = offset;
  }

  // Waits for more; false when there will be none. A finished log is read once more to its end.
  bool look_again() {
    {
      base::MutexLock lock(mutex_);
      if (!cancelled_) clock_.wait_until(lock, changed_, clock_.steady_now() + kLookAgain);
    }
    const auto now = locate_();
    if (!now) {
      finished_ = true;
      return true;
    }
    finished_ = now->finished;
    if (now->paths.empty()) return true;
    const auto& newest = now->paths.back();
    if (file_.is_open() && file_.is_same_as(newest)) return true;
    // The first file, or the one after a rotation; what was left of the old one has been read.
    pending_.emplace_back(newest, 0);
    if (at_end_) {
      const File file(newest);
      if (file.is_open()) pending_.back().second = file.size();
      at_end_ = false;
    }
    return true;
  }

  std::optional<std::string> limited(std::string data) {
    if (left_) {
      data.resize(std::min(data.size(), static_cast<size_t>(*left_)));
      *left_ -= static_cast<int64_t>(data.size());
    }
    return data;
  }

  bool is_cancelled() {
    base::MutexLock lock(mutex_);
    return cancelled_;
  }

  const LocateLog locate_;
  const bool follow_;
  std::optional<int64_t> left_;
  base::Clock& clock_;
  std::vector<std::pair<std::filesystem::path, off_t>> pending_;
  File file_;
  off_t offset_ = 0;
  bool finished_ = false;
  bool at_end_ = false;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

}  // namespace

base::Result<std::unique_ptr<kube::LogReader>> read_log_files(LocateLog locate,
                                                              const kube::LogOptions& options,
                                                              base::Clock& clock) {
  if (options.timestamps || options.since) {
    return failure(Code::InvalidArgument,
                   "the times of log lines are not kept here: leave out --timestamps and --since");
  }
  if (options.previous) {
    return failure(Code::InvalidArgument,
                   "containers are never restarted here: there is no previous log");
  }
  ASSIGN_OR_RETURN(const LogFiles files, locate());
  auto reader = std::make_unique<Reader>(std::move(locate), options, clock);
  RETURN_IF_ERROR(reader->begin(files, options.tail_lines));
  return reader;
}

}  // namespace runner
