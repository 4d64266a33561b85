#pragma once

// WatchDecoder: the bytes of a watch into its events. One JSON object per line; lines may be cut
// anywhere. An ERROR event becomes the Error of its Status, so that a 410 in the stream is the same
// as a 410 instead of one.
//
// An object that cannot be read or a line over the limit becomes an event Unreadable, and the next
// line is read as ever. Errors: Unavailable for a line that is no event of an object at all.
// Threads: one.

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "kube/api.h"
#include "kube/object_decoder.h"

namespace kube {

class WatchDecoder {
 public:
  explicit WatchDecoder(ObjectLimits limits = {}) : limits_(limits) {}

  // Taken over, not copied, unless a line is unfinished: of a stream that comes faster than it is
  // read one piece is held.
  void feed(std::string bytes);
  // The next whole event; nullopt when more bytes are needed.
  base::Result<std::optional<WatchEvent>> next();
  // True between events: nothing of an unfinished line is left.
  [[nodiscard]] bool at_boundary() const { return begin_ == buffer_.size() && !in_long_line_; }

 private:
  const ObjectLimits limits_;
  std::string buffer_;
  size_t begin_ = 0;    // of the line that is next
  size_t scanned_ = 0;  // no line ends before this
  bool in_long_line_ = false;
  std::string long_line_;  // the beginning of one over the limit
};

}  // namespace kube
