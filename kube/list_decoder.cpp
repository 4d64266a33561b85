#include "kube/list_decoder.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {
namespace {

constexpr size_t kMaxRest = size_t{1} << 20;
constexpr size_t kItemDepth = 2;  // {"items": [ here

}  // namespace

void ListDecoder::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    const size_t before = nesting_.depth();
    const bool quoted = nesting_.in_string();
    nesting_.take(byte);
    if (in_items_) {
      inside(byte, before, quoted);
    } else if (rest_.size() <= kMaxRest) {
      outside(byte, before);
    }
  }
}

void ListDecoder::outside(char byte, size_t before) {
  in_items_ = byte == '[' && before + 1 == kItemDepth && nesting_.depth() == kItemDepth &&
              ends_with_name(rest_, "items");
  rest_ += byte;
}

void ListDecoder::inside(char byte, size_t before, bool quoted) {
  if (before == kItemDepth && !quoted) {
    if (byte == ',' || byte == ']') {
      if (item_size_ > 0) end_item();
      if (byte == ']') {
        in_items_ = false;
        rest_ += byte;
      }
      return;
    }
    if (item_size_ == 0 && (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')) return;
  }
  ++item_size_;
  if (item_.size() <= limits_.bytes) item_ += byte;
}

void ListDecoder::end_item() {
  auto object = item_size_ > limits_.bytes
                    ? base::failure(base::Code::TooLarge, std::to_string(item_size_) +
                                                              " bytes are over the limit of " +
                                                              std::to_string(limits_.bytes))
                    : decode_object(item_, limits_, content_);
  if (object) {
    if (content_ == ListOptions::Content::Versions) object = version_of(type_, *object);
    object->emplace("apiVersion", type_.api_version());
    object->emplace("kind", type_.kind);
    list_.items.push_back(std::move(*object));
  } else {
    list_.unreadable.push_back(describe_unreadable(item_, object.error().message));
  }
  item_.clear();
  item_size_ = 0;
}

base::Result<std::string> ListDecoder::finish() {
  const auto parsed = base::parse_json(rest_);
  if (!parsed || !parsed->is_object() || nesting_.depth() != 0) {
    return base::failure(
        base::Code::Unavailable,
        "list of " + type_.plural + ": " + (parsed ? "not a list" : parsed.error().message));
  }
  list_.resource_version = resource_version_of(*parsed);
  return base::string_at(*parsed, {"metadata", "continue"});
}

}  // namespace kube
