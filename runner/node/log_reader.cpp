#include "runner/node/log_reader.h"

#include "runner/node/files.h"
#include "runner/node/log_format.h"

namespace runner::node {

std::string read_log_tail(const std::filesystem::path& log, size_t bytes) {
  const std::string raw = read_tail(log, bytes);
  std::string text;
  // A cut first line is no record: skip it.
  size_t at = raw.size() == bytes ? std::min(raw.find('\n'), raw.size() - 1) + 1 : 0;
  while (at < raw.size()) {
    const size_t end = std::min(raw.find('\n', at), raw.size());
    const LogRecord record = parse_record(std::string_view(raw).substr(at, end - at));
    text += record.text;
    if (record.whole) text += '\n';
    at = end + 1;
  }
  return text;
}

}  // namespace runner::node
