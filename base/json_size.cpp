#include "base/json_size.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace base {
namespace {

using nlohmann::json;

size_t quoted_size(const std::string& text) {
  size_t size = text.size() + 2;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t') {
      ++size;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      size += 5;  // \u001f
    }
  }
  return size;
}

template <class Integer>
size_t digits_of(Integer number) {
  std::array<char, 24> text{};
  const auto [end, problem] = std::to_chars(text.data(), text.data() + text.size(), number);
  return static_cast<size_t>(end - text.data());
}

class Measure {
 public:
  explicit Measure(size_t limit) : limit_(limit) {}
  [[nodiscard]] size_t size() const { return size_; }

  // False once it is over the limit.
  bool add(const json& value) {
    switch (value.type()) {
      case json::value_t::object:
        return add_object(value);
      case json::value_t::array:
        return add_array(value);
      case json::value_t::string:
        return count(quoted_size(value.get_ref<const std::string&>()));
      case json::value_t::number_integer:
        return count(digits_of(value.get<int64_t>()));
      case json::value_t::number_unsigned:
        return count(digits_of(value.get<uint64_t>()));
      case json::value_t::boolean:
        return count(value.get<bool>() ? 4 : 5);
      case json::value_t::null:
        return count(4);
      default:
        return count(dump_json(value).size());
    }
  }

 private:
  bool count(size_t bytes) {
    size_ += bytes;
    return size_ <= limit_;
  }

  bool add_object(const json& value) {
    if (!count(2 + (value.empty() ? 0 : value.size() - 1))) return false;
    for (const auto& [key, member] : value.get_ref<const json::object_t&>()) {
      if (!count(quoted_size(key) + 1) || !add(member)) return false;
    }
    return true;
  }

  bool add_array(const json& value) {
    if (!count(2 + (value.empty() ? 0 : value.size() - 1))) return false;
    return std::all_of(value.begin(), value.end(), [this](const json& item) { return add(item); });
  }

  const size_t limit_;
  size_t size_ = 0;
};

}  // namespace

size_t json_depth(const json& value, size_t limit) {
  if (!value.is_structured()) return 0;
  if (limit == 0) return 1;
  size_t deepest = 0;
  for (const auto& member : value) {
    deepest = std::max(deepest, json_depth(member, limit - 1));
    if (deepest > limit - 1) break;
  }
  return deepest + 1;
}

size_t json_size(const json& value, size_t limit) {
  Measure measure(limit);
  measure.add(value);
  return measure.size();
}

}  // namespace base
