#include "monitor/archived_log.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace monitor {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::failure;
using base::Result;

constexpr size_t kPiece = size_t{128} << 10;

std::string last_error() {
  return std::generic_category().message(errno);
}

class FileReader final : public kube::LogReader {
 public:
  FileReader(std::ifstream file, uint64_t left) : file_(std::move(file)), left_(left) {}

  Result<std::optional<std::string>> read() override {
    if (cancelled_) return failure(Code::Cancelled, "reading the log was cancelled");
    std::string piece(static_cast<size_t>(std::min<uint64_t>(left_, kPiece)), '\0');
    if (piece.empty()) return std::optional<std::string>{};
    file_.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<size_t>(file_.gcount()));
    left_ -= piece.size();
    if (piece.empty()) return std::optional<std::string>{};
    return std::optional<std::string>{std::move(piece)};
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::ifstream file_;
  uint64_t left_;
  std::atomic<bool> cancelled_ = false;
};

// Where the last `lines` lines begin, found from the end.
uint64_t tail_start(std::ifstream& file, uint64_t size, int64_t lines) {
  if (lines <= 0) return size;
  uint64_t end = size;
  int64_t seen = 0;
  std::string piece;
  while (end > 0) {
    const uint64_t start = end > kPiece ? end - kPiece : 0;
    piece.resize(static_cast<size_t>(end - start));
    file.clear();
    file.seekg(static_cast<std::streamoff>(start));
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    for (size_t i = piece.size(); i-- > 0;) {
      // The break that ends the log's last line begins no further line.
      if (piece[i] != '\n' || start + i + 1 == size) continue;
      if (++seen == lines) return start + i + 1;
    }
    end = start;
  }
  return 0;
}

// Copies `source` from `offset` on; after a cut, from the next line's beginning.
bool copy_from(const fs::path& source, uint64_t offset, std::ofstream& out) {
  std::ifstream in(source, std::ios::binary);
  if (!in) return true;  // rotated away meanwhile: the rest is still worth keeping
  if (offset > 0) {
    in.seekg(static_cast<std::streamoff>(offset - 1));
    std::string partial;
    std::getline(in, partial);
  }
  std::string piece(kPiece, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    if (!out.write(piece.data(), in.gcount())) return false;
  return static_cast<bool>(out);
}

}  // namespace

Result<uint64_t> write_log(const fs::path& target, const std::vector<fs::path>& sources,
                           uint64_t limit) {
  std::vector<uint64_t> sizes;
  uint64_t total = 0;
  for (const fs::path& source : sources) {
    std::error_code missing;
    const uint64_t size = fs::file_size(source, missing);
    sizes.push_back(missing ? 0 : size);
    total += sizes.back();
  }
  const fs::path part = target.string() + ".part";
  const auto give_up = [&part, &target]() {
    const std::string reason = last_error();
    std::error_code ignored;
    fs::remove(part, ignored);
    return failure(Code::Unavailable, "write " + target.string() + ": " + reason);
  };
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  if (!out) return give_up();
  uint64_t skip = total > limit ? total - limit : 0;
  if (skip > 0) out << "[sparkcron: the first " << skip << " bytes or a little more were cut]\n";
  for (size_t i = 0; i < sources.size(); ++i) {
    const uint64_t offset = std::min(skip, sizes[i]);
    skip -= offset;
    if (offset == sizes[i]) continue;
    if (!copy_from(sources[i], offset, out)) return give_up();
  }
  out.close();
  if (!out) return give_up();
  std::error_code error;
  const uint64_t written = fs::file_size(part, error);
  if (!error) fs::rename(part, target, error);
  if (error) {
    errno = error.value();
    return give_up();
  }
  return written;
}

Result<std::unique_ptr<kube::LogReader>> read_log(const fs::path& path,
                                                  const kube::LogOptions& options) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (!file || error) return failure(Code::NotFound, "read " + path.string() + ": " + last_error());
  const uint64_t start = options.tail_lines ? tail_start(file, size, *options.tail_lines) : 0;
  uint64_t left = size - start;
  if (options.limit_bytes)
    left = std::min(left, static_cast<uint64_t>(std::max<int64_t>(*options.limit_bytes, 0)));
  file.clear();
  file.seekg(static_cast<std::streamoff>(start));
  return std::make_unique<FileReader>(std::move(file), left);
}

}  // namespace monitor
