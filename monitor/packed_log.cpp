#include "monitor/packed_log.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <zlib.h>

#include "base/rfc3339.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;

constexpr int kGzipWindow = 15 + 16;  // zlib: +16 writes and expects a gzip header and trailer
constexpr size_t kPiece = size_t{256} << 10;

// The end of the stamp that a line begins with; 0 = there is none.
size_t stamp_end(std::string_view line) {
  // "2026-11-21T00:00:00Z " at least, nanoseconds and an offset at most.
  constexpr size_t kLeast = 20;
  constexpr size_t kMost = 36;
  const size_t blank = line.substr(0, kMost).find(' ');
  if (blank == std::string_view::npos || blank < kLeast || line[4] != '-' || line[10] != 'T')
    return 0;
  return blank + 1;
}

}  // namespace

void NewestLines::add(std::string_view bytes) {
  text_ += bytes;
  // Now and then, so that each byte is moved a few times at most.
  if (text_.size() > most_ + most_ / 4) cut();
}

void NewestLines::cut() {
  if (text_.size() <= most_) return;
  size_t begin = text_.size() - most_;
  if (text_[begin - 1] != '\n') {
    const size_t newline = text_.find('\n', begin);
    begin = newline == std::string::npos ? text_.size() : newline + 1;
  }
  left_out_ += begin;
  text_.erase(0, begin);
}

std::string NewestLines::take() {
  cut();
  std::string text = std::exchange(text_, {});
  if (left_out_ == 0) return text;
  return "[sparkcron: the first " + std::to_string(left_out_) + " bytes were cut]\n" + text;
}

Result<std::string> pack(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return failure(Code::Unavailable, "no memory to compress a log");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  // zlib takes its input through a pointer to non-const but never writes there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    return failure(Code::Unavailable, "a log cannot be compressed");
  packed.resize(stream.total_out);
  return packed;
}

Result<std::string> unpack(std::string_view packed, size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK)
    return failure(Code::Unavailable, "no memory to read a log");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::string piece(kPiece, '\0');
  for (int step = Z_OK; step != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    step = inflate(&stream, Z_NO_FLUSH);
    if (step != Z_OK && step != Z_STREAM_END)
      return failure(Code::Corrupt, "a kept log is damaged");
    const size_t got = piece.size() - stream.avail_out;
    if (step == Z_OK && got == 0) return failure(Code::Corrupt, "a kept log is not whole");
    if (text.size() + got > most)
      return failure(Code::Corrupt, "a kept log is longer than " + std::to_string(most) + " bytes");
    text.append(piece, 0, got);
  }
  return text;
}

std::string choose_lines(std::string_view stamped, const kube::LogOptions& options) {
  std::vector<std::string_view> lines;
  bool reached = !options.since;
  while (!stamped.empty()) {
    const size_t newline = std::min(stamped.find('\n'), stamped.size() - 1);
    const std::string_view line = stamped.substr(0, newline + 1);
    stamped.remove_prefix(line.size());
    const size_t text = stamp_end(line);
    if (!reached && text > 0) {
      const auto time = base::parse_rfc3339(line.substr(0, text - 1));
      reached = time && *time >= *options.since;
    }
    if (reached) lines.push_back(options.timestamps ? line : line.substr(text));
  }
  size_t begin = 0;
  if (options.tail_lines && static_cast<uint64_t>(*options.tail_lines) < lines.size())
    begin = lines.size() - static_cast<size_t>(*options.tail_lines);
  std::string chosen;
  for (size_t i = begin; i < lines.size(); ++i)
    chosen += lines[i];
  if (options.limit_bytes && static_cast<uint64_t>(*options.limit_bytes) < chosen.size())
    chosen.resize(static_cast<size_t>(*options.limit_bytes));
  return chosen;
}

}  // namespace monitor
