#pragma once

// LogLines: a log on its way to the terminal, line by line. Only lines that a text stands in, if
// one is asked for; and each line once, though the log is opened again after its server was away.
//
// Threads: main only.

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sparkctl {

// Whether lines come with their times in front, as pods/log gives them with `timestamps`.
enum class LineTimes { None, Shown, Hidden };

class LogLines {
 public:
  // `text`: "" = all lines. Lines that come without their times are never taken for known ones.
  LogLines(std::ostream& out, std::string text, LineTimes times);

  void feed(std::string_view bytes);
  // The log ended here: its last line may have no end.
  void finish();
  // The log will come once more, from resume_from() or before: what was taken of it is passed over,
  // a line that was cut too.
  void begin_again();
  // When the newest line was written that was taken; nullopt: nobody knows.
  [[nodiscard]] std::optional<base::WallTime> resume_from() const { return last_; }
  [[nodiscard]] uint64_t printed() const { return printed_; }

 private:
  void take(std::string_view line);
  bool is_known(base::WallTime time);

  std::ostream& out_;
  const std::string text_;
  const LineTimes times_;
  std::string begun_;  // of the line that is coming
  std::optional<base::WallTime> last_;
  uint64_t at_last_ = 0;  // lines of that time that were taken
  uint64_t met_ = 0;      // of them, those that came again
  bool passing_ = false;  // what comes may be known
  uint64_t printed_ = 0;
};

}  // namespace sparkctl
