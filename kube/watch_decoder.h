#pragma once

// WatchDecoder: the bytes of a watch into its events. One JSON object per line; lines may be cut
// anywhere. An ERROR event becomes the Error of its Status, so that a 410 in the stream is the same
// as a 410 instead of one.
//
// Errors: TooLarge for a line over the limit, Unavailable for what is no event; nothing more can be
// decoded then. Threads: one.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/api.h"

namespace kube {

class WatchDecoder {
 public:
  explicit WatchDecoder(size_t max_line = size_t{16} << 20) : max_line_(max_line) {}

  void feed(std::string_view bytes);
  // The next whole event; nullopt when more bytes are needed.
  base::Result<std::optional<WatchEvent>> next();
  // True between events: nothing of an unfinished line is left.
  [[nodiscard]] bool at_boundary() const { return begin_ == buffer_.size(); }

 private:
  const size_t max_line_;
  std::string buffer_;
  size_t begin_ = 0;    // of the line that is next
  size_t scanned_ = 0;  // no line ends before this
};

}  // namespace kube
