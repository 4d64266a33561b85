#include "kube/watch_decoder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/api_status.h"
#include "kube/json_nesting.h"

namespace kube {
namespace {

std::optional<WatchEvent::Type> type_of(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::Added;
  if (name == "MODIFIED") return WatchEvent::Type::Modified;
  if (name == "DELETED") return WatchEvent::Type::Deleted;
  if (name == "BOOKMARK") return WatchEvent::Type::Bookmark;
  return std::nullopt;
}

// The beginning of a line is enough, if the object's metadata is in it.
base::Result<WatchEvent> unreadable(std::string_view line, const base::Error& error) {
  const auto name = base::parse_json(member_text(line, "type"));
  const auto type = type_of(name && name->is_string() ? name->get<std::string>() : "");
  // What comes after the object's beginning may be cut off: from there on is enough.
  constexpr std::string_view kObject = R"("object":)";
  const size_t object = line.find(kObject);
  if (!type || object == std::string_view::npos)
    return base::failure(base::Code::Unavailable, "watch event: " + error.message);
  const Unreadable found = describe_unreadable(line.substr(object + kObject.size()), error.message);
  Json metadata = {
      {"name", found.key.name}, {"uid", found.uid}, {"resourceVersion", found.resource_version}};
  if (!found.key.ns.empty()) metadata["namespace"] = found.key.ns;
  return WatchEvent{
      .type = type == WatchEvent::Type::Deleted ? *type : WatchEvent::Type::Unreadable,
      .object = PackedObject(std::make_shared<const Json>(Json{{"metadata", std::move(metadata)}})),
      .problem = error.message};
}

base::Result<WatchEvent> decode(std::string_view line, const ObjectLimits& limits) {
  constexpr std::string_view kManagedFields[] = {"object", "metadata", "managedFields"};
  auto parsed = base::parse_json(
      line, {.bytes = limits.bytes, .depth = limits.depth + 1, .leave_out = kManagedFields});
  if (!parsed) return unreadable(line, parsed.error());
  const std::string name = base::string_at(*parsed, {"type"});
  const auto object = parsed->is_object() ? parsed->find("object") : parsed->end();
  if (name.empty() || object == parsed->end() || !object->is_object()) {
    return base::failure(base::Code::Unavailable, "watch event without type and object");
  }
  if (name == "ERROR") return base::failure(error_of(*object));
  const auto type = type_of(name);
  if (!type) {
    return base::failure(base::Code::Unavailable, "watch event of unknown type \"" + name + "\"");
  }
  if (*type != WatchEvent::Type::Bookmark && key_of(*object).name.empty())
    return unreadable(line, {base::Code::Refused, "an object without metadata.name", {}});
  return WatchEvent{.type = *type,
                    .object = PackedObject(std::make_shared<const Json>(std::move(*object))),
                    .problem = {}};
}

}  // namespace

void WatchDecoder::feed(std::string bytes) {
  if (begin_ == buffer_.size()) {
    buffer_ = std::move(bytes);
    begin_ = scanned_ = 0;
    return;
  }
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_.append(bytes);
}

base::Result<std::optional<WatchEvent>> WatchDecoder::next() {
  while (true) {
    const size_t end = buffer_.find('\n', scanned_);
    const std::string_view line =
        std::string_view(buffer_).substr(begin_, std::min(end, buffer_.size()) - begin_);
    if (line.size() > limits_.bytes && !in_long_line_) {
      in_long_line_ = true;
      long_line_ = line.substr(0, limits_.bytes);
    }
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      if (in_long_line_) begin_ = scanned_;  // the rest of it is only passed over
      return std::nullopt;
    }
    begin_ = scanned_ = end + 1;
    if (in_long_line_) {
      in_long_line_ = false;
      const std::string beginning = std::exchange(long_line_, {});
      ASSIGN_OR_RETURN(
          WatchEvent event,
          unreadable(beginning, {base::Code::TooLarge,
                                 "over the limit of " + std::to_string(limits_.bytes) + " bytes",
                                 {}}));
      return event;
    }
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ASSIGN_OR_RETURN(WatchEvent event, decode(line, limits_));
    return event;
  }
}

}  // namespace kube
