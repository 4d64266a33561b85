#include "base/json.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

namespace base {
namespace {

using nlohmann::json;

// Finds the member at a path of keys while a text is read, and says what belongs to it.
class Omission {
 public:
  explicit Omission(std::span<const std::string_view> path) : path_(path) {}

  // A key of an object at this depth, the root's being 1. True: its value is to be left out.
  bool key(size_t depth, std::string_view name) {
    if (active_ || depth > path_.size() || matched_ + 1 < depth) return active_;
    matched_ = name == path_[depth - 1] ? depth : depth - 1;
    active_ = matched_ == path_.size();
    if (active_) matched_ = depth - 1;
    return active_;
  }
  // These three: true when what comes belongs to the member.
  bool scalar() { return active_ && (nested_ > 0 || end()); }
  bool enter() {
    if (active_) ++nested_;
    return active_;
  }
  // `depth`: of what was left.
  bool leave(size_t depth) {
    if (active_) return --nested_ > 0 || end();
    matched_ = std::min(matched_, depth - 1);
    return false;
  }

 private:
  bool end() {
    active_ = false;
    return true;
  }

  std::span<const std::string_view> path_;
  size_t matched_ = 0;  // how many keys of the path lead to where we are
  size_t nested_ = 0;
  bool active_ = false;
};

// Builds the value, refusing depth over the limit before it is built.
class BoundedBuilder : public nlohmann::detail::json_sax_dom_parser<json> {
  using Base = nlohmann::detail::json_sax_dom_parser<json>;

 public:
  BoundedBuilder(json& target, const JsonLimits& limits)
      : Base(target, false), max_depth_(limits.depth), omission_(limits.leave_out) {}

  bool null() { return omission_.scalar() || Base::null(); }
  bool boolean(bool value) { return omission_.scalar() || Base::boolean(value); }
  bool number_integer(json::number_integer_t value) {
    return omission_.scalar() || Base::number_integer(value);
  }
  bool number_unsigned(json::number_unsigned_t value) {
    return omission_.scalar() || Base::number_unsigned(value);
  }
  bool number_float(json::number_float_t value, const std::string& text) {
    return omission_.scalar() || Base::number_float(value, text);
  }
  bool string(std::string& value) { return omission_.scalar() || Base::string(value); }
  bool key(std::string& name) { return omission_.key(depth_, name) || Base::key(name); }
  bool start_object(std::size_t elements) {
    return enter() && (omission_.enter() || Base::start_object(elements));
  }
  bool start_array(std::size_t elements) {
    return enter() && (omission_.enter() || Base::start_array(elements));
  }
  bool end_object() { return omission_.leave(depth_--) || Base::end_object(); }
  bool end_array() { return omission_.leave(depth_--) || Base::end_array(); }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& problem) {
    error_position_ = position;
    return Base::parse_error(position, token, problem);
  }

  bool too_deep() const { return too_deep_; }
  size_t error_position() const { return error_position_; }

 private:
  bool enter() {
    too_deep_ = ++depth_ > max_depth_;
    return !too_deep_;
  }

  size_t max_depth_;
  Omission omission_;
  size_t depth_ = 0;
  size_t error_position_ = 0;
  bool too_deep_ = false;
};

}  // namespace

Result<json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return failure(Code::TooLarge, "JSON of " + std::to_string(text.size()) +
                                       " bytes is over the limit of " +
                                       std::to_string(limits.bytes));
  }
  json value;
  BoundedBuilder builder(value, limits);
  const bool ok = json::sax_parse(text.begin(), text.end(), &builder);
  if (builder.too_deep()) {
    return failure(Code::InvalidArgument,
                   "JSON is nested deeper than " + std::to_string(limits.depth) + " levels");
  }
  if (!ok || builder.is_errored()) {
    return failure(Code::InvalidArgument,
                   "not JSON: syntax error at byte " + std::to_string(builder.error_position()));
  }
  return value;
}

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const json* find(const json& object, std::initializer_list<std::string_view> path) {
  const json* at = &object;
  for (const std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    const auto member = at->find(key);
    if (member == at->end()) return nullptr;
    at = &*member;
  }
  return at;
}

std::string string_at(const json& object, std::initializer_list<std::string_view> path) {
  const json* value = find(object, path);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<int64_t> integer_at(const json& object,
                                  std::initializer_list<std::string_view> path) {
  const json* value = find(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (value->is_number_unsigned() && value->get<uint64_t>() > uint64_t{kMost}) return kMost;
  return value->get<int64_t>();
}

std::optional<bool> bool_at(const json& object, std::initializer_list<std::string_view> path) {
  const json* value = find(object, path);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

}  // namespace base
