#include "monitor/archived_log.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "runner/node/log_file.h"

namespace monitor {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::failure;
using base::Result;
using base::Status;
using runner::node::LogTime;

constexpr size_t kPiece = size_t{128} << 10;

// A file that takes its name when it is complete.
class PartFile {
 public:
  explicit PartFile(fs::path target)
      : target_(std::move(target)),
        part_(target_.string() + ".part"),
        file_(::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                     S_IRUSR | S_IWUSR)),
        problem_(file_.valid() ? 0 : errno) {}
  ~PartFile() {
    if (!finished_) ::unlink(part_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  void write(std::string_view bytes) {
    if (problem_ == 0 && !base::write_all(file_.get(), bytes)) problem_ = errno;
    size_ += bytes.size();
  }
  Status finish() {
    if (problem_ == 0 && ::rename(part_.c_str(), target_.c_str()) != 0) problem_ = errno;
    if (problem_ != 0)
      return failure(Code::Unavailable, "write " + target_.string() + ": " +
                                            std::generic_category().message(problem_));
    finished_ = true;
    return {};
  }
  [[nodiscard]] bool good() const { return problem_ == 0; }
  [[nodiscard]] uint64_t size() const { return size_; }

 private:
  const fs::path target_;
  const fs::path part_;
  const base::FileDescriptor file_;
  int problem_;
  bool finished_ = false;
  uint64_t size_ = 0;
};

// After a cut, where the next line begins; the end of the file when none does.
uint64_t line_after(const base::FileDescriptor& in, uint64_t offset) {
  if (offset == 0) return 0;
  for (uint64_t at = offset - 1;;) {
    const std::string piece = base::read_at(in, at, kPiece);
    const size_t newline = piece.find('\n');
    if (newline != std::string::npos) return at + newline + 1;
    at += piece.size();
    if (piece.size() < kPiece) return at;
  }
}

void copy_from(const base::FileDescriptor& in, uint64_t offset, PartFile& out) {
  while (out.good()) {
    const std::string piece = base::read_at(in, offset, kPiece);
    out.write(piece);
    offset += piece.size();
    if (piece.size() < kPiece) return;
  }
}

// The times of what follows `offset` in a source, as of where it is written to.
void move_times(const std::vector<LogTime>& from, uint64_t offset, uint64_t target,
                std::vector<LogTime>& to) {
  for (size_t i = 0; i < from.size(); ++i) {
    const bool before = i + 1 < from.size() && from[i + 1].offset <= offset;
    if (before) continue;
    to.push_back(
        {.offset = target + std::max(from[i].offset, offset) - offset, .millis = from[i].millis});
  }
}

Status write_times(const fs::path& target, const std::vector<LogTime>& times) {
  PartFile out(target);
  out.write({reinterpret_cast<const char*>(times.data()), times.size() * sizeof(LogTime)});
  return out.finish();
}

std::vector<uint64_t> sizes_of(const std::vector<fs::path>& files) {
  std::vector<uint64_t> sizes;
  for (const fs::path& file : files) {
    std::error_code missing;
    const uint64_t size = fs::file_size(file, missing);
    sizes.push_back(missing ? 0 : size);
  }
  return sizes;
}

}  // namespace

fs::path times_of(const fs::path& log) {
  return log.string() + ".times";
}

Result<uint64_t> write_log(const fs::path& target, const std::vector<fs::path>& sources,
                           uint64_t limit) {
  const std::vector<uint64_t> sizes = sizes_of(sources);
  uint64_t total = 0;
  for (const uint64_t size : sizes)
    total += size;
  uint64_t skip = total > limit ? total - limit : 0;
  PartFile out(target);
  if (skip > 0)
    out.write("[sparkcron: the first " + std::to_string(skip) +
              " bytes or a little more were cut]\n");
  std::vector<LogTime> times;
  for (size_t i = 0; i < sources.size(); ++i) {
    const uint64_t cut = std::min(skip, sizes[i]);
    skip -= cut;
    if (cut == sizes[i]) continue;
    const auto in = base::open_to_read(sources[i]);
    // Rotated away meanwhile: the rest is still worth keeping.
    if (!in) continue;
    const uint64_t begin = line_after(*in, cut);
    if (begin >= sizes[i]) continue;
    move_times(runner::node::read_log_times(sources[i]), begin, out.size(), times);
    copy_from(*in, begin, out);
  }
  // The line that tells of the cut came when what follows it did.
  if (!times.empty()) times.front().offset = 0;
  // Times first: a crash between the two leaves times without a log, which nobody finds.
  RETURN_IF_ERROR(write_times(times_of(target), times));
  RETURN_IF_ERROR(out.finish());
  return out.size() + times.size() * sizeof(LogTime);
}

}  // namespace monitor
