#pragma once

// A driver's log as it is kept: lines as `kubectl logs --timestamps` prints them, and
// gzip around them, so that `zcat` reads it. Of a long log the newest lines are kept.
//
// Errors: Corrupt for what is no gzip or longer than allowed; Unavailable without memory.
// Threads: pure functions; a NewestLines belongs to one thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/log_source.h"

namespace monitor {

// Takes a log as it comes and keeps the end of it.
class NewestLines {
 public:
  explicit NewestLines(size_t most) : most_(most) {}
  void add(std::string_view bytes);
  // Whole lines, at most so many bytes; a first line says how much was left out.
  std::string take();

 private:
  void cut();
  const size_t most_;
  std::string text_;
  uint64_t left_out_ = 0;
};

base::Result<std::string> pack(std::string_view text);
base::Result<std::string> unpack(std::string_view packed, size_t most);

// What the options of pods/log choose of such lines; `follow`, `previous` and `container` do not
// matter here.
std::string choose_lines(std::string_view stamped, const kube::LogOptions& options);

}  // namespace monitor
