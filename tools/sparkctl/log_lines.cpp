#include "tools/sparkctl/log_lines.h"

#include <ostream>
#include <utility>

#include "base/rfc3339.h"

namespace sparkctl {
namespace {

// A line without an end is printed in pieces of that size.
constexpr size_t kMostOfALine = size_t{1} << 20;

struct TimedLine {
  std::optional<base::WallTime> time;
  std::string_view text;
};

TimedLine split(std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return {.time = std::nullopt, .text = line};
  const auto time = base::parse_rfc3339(line.substr(0, blank));
  if (!time) return {.time = std::nullopt, .text = line};
  return {.time = *time, .text = line.substr(blank + 1)};
}

}  // namespace

LogLines::LogLines(std::ostream& out, std::string text, LineTimes times)
    : out_(out), text_(std::move(text)), times_(times) {}

void LogLines::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      begun_ += bytes;
      if (begun_.size() >= kMostOfALine) finish();
      break;
    }
    if (begun_.empty()) {
      take(bytes.substr(0, end + 1));
    } else {
      begun_ += bytes.substr(0, end + 1);
      take(std::exchange(begun_, {}));
    }
    bytes.remove_prefix(end + 1);
  }
  out_ << std::flush;
}

void LogLines::finish() {
  if (!begun_.empty()) take(std::exchange(begun_, {}));
  out_ << std::flush;
}

void LogLines::begin_again() {
  begun_.clear();
  met_ = 0;
  passing_ = last_.has_value();
}

bool LogLines::is_known(base::WallTime time) {
  if (!passing_) return false;
  if (time < *last_) return true;
  if (time == *last_ && met_ < at_last_) return ++met_ != 0;
  passing_ = false;
  return false;
}

void LogLines::take(std::string_view line) {
  std::string_view text = line;
  if (times_ != LineTimes::None) {
    const TimedLine timed = split(line);
    text = timed.text;
    if (timed.time) {
      if (is_known(*timed.time)) return;
      at_last_ = last_ == timed.time ? at_last_ + 1 : 1;
      last_ = timed.time;
    }
  }
  if (text.find(text_) == std::string_view::npos) return;
  out_ << (times_ == LineTimes::Hidden ? text : line);
  ++printed_;
}

}  // namespace sparkctl
