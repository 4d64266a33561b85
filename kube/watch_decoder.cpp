#include "kube/watch_decoder.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/api_status.h"

namespace kube {
namespace {

base::Result<WatchEvent> decode(std::string_view line, size_t max_line) {
  auto parsed = base::parse_json(line, {.bytes = max_line});
  if (!parsed) {
    return base::failure(base::Code::Unavailable, "watch event: " + parsed.error().message);
  }
  const std::string type = base::string_at(*parsed, {"type"});
  const auto object = parsed->is_object() ? parsed->find("object") : parsed->end();
  if (type.empty() || object == parsed->end() || !object->is_object()) {
    return base::failure(base::Code::Unavailable, "watch event without type and object");
  }
  if (type == "ERROR") return base::failure(error_of(*object));
  WatchEvent event;
  if (type == "ADDED") {
    event.type = WatchEvent::Type::Added;
  } else if (type == "MODIFIED") {
    event.type = WatchEvent::Type::Modified;
  } else if (type == "DELETED") {
    event.type = WatchEvent::Type::Deleted;
  } else if (type == "BOOKMARK") {
    event.type = WatchEvent::Type::Bookmark;
  } else {
    return base::failure(base::Code::Unavailable, "watch event of unknown type \"" + type + "\"");
  }
  event.object = std::make_shared<const Json>(std::move(*object));
  return event;
}

}  // namespace

void WatchDecoder::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_.append(bytes);
}

base::Result<std::optional<WatchEvent>> WatchDecoder::next() {
  while (true) {
    const size_t end = buffer_.find('\n', scanned_);
    const size_t length = std::min(end, buffer_.size()) - begin_;
    if (length > max_line_) {
      return base::failure(base::Code::TooLarge,
                           "watch event over " + std::to_string(max_line_) + " bytes");
    }
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    const std::string_view line = std::string_view(buffer_).substr(begin_, length);
    begin_ = scanned_ = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ASSIGN_OR_RETURN(WatchEvent event, decode(line, max_line_));
    return event;
  }
}

}  // namespace kube
