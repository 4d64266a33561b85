#include "runner/node/log_format.h"

#include "base/rfc3339.h"

namespace runner::node {
namespace {

// "2026-11-21T11:46:14.123456Z"
constexpr size_t kTimeLength = 27;

}  // namespace

std::string format_records(std::string_view output, base::WallTime at) {
  const std::string time = base::format_rfc3339_micro(at);
  std::string records;
  records.reserve(output.size() + 64);
  while (!output.empty()) {
    const size_t end = output.find('\n');
    const bool whole = end != std::string_view::npos;
    records += time;
    records += whole ? " F " : " P ";
    records += output.substr(0, end);
    records += '\n';
    output.remove_prefix(whole ? end + 1 : output.size());
  }
  return records;
}

LogRecord parse_record(std::string_view line) {
  const bool is_record = line.size() >= kTimeLength + 3 && line[kTimeLength - 1] == 'Z' &&
                         line[10] == 'T' && line[kTimeLength] == ' ' &&
                         (line[kTimeLength + 1] == 'F' || line[kTimeLength + 1] == 'P') &&
                         line[kTimeLength + 2] == ' ';
  if (!is_record) return {.time = {}, .whole = true, .text = line};
  return {.time = line.substr(0, kTimeLength),
          .whole = line[kTimeLength + 1] == 'F',
          .text = line.substr(kTimeLength + 3)};
}

}  // namespace runner::node
