#include "runner/submission/fields.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::submission {
namespace {

using nlohmann::json;

const json& empty_object() {
  static const json object = json::object();
  return object;
}

}  // namespace

bool says_something(const json& value) {
  return !value.is_null() && value != json(false) && !(value.is_structured() && value.empty());
}

Fields::Fields(const json& parent, std::string_view name, std::string path)
    : object_(&empty_object()), path_(std::move(path)) {
  const auto member = parent.is_object() ? parent.find(name) : parent.end();
  if (!parent.is_object() || member == parent.end() || member->is_null()) return;
  if (member->is_object()) {
    object_ = &*member;
  } else {
    problem_ = base::Error{base::Code::InvalidArgument, path_ + " must be an object", {}};
  }
}

const json* Fields::take(std::string_view name) {
  taken_.emplace(name);
  if (hidden_.contains(name)) return nullptr;
  const auto member = object_->find(name);
  return member == object_->end() || member->is_null() ? nullptr : &*member;
}

bool Fields::has(std::string_view name) const {
  if (hidden_.contains(name)) return false;
  const auto member = object_->find(name);
  return member != object_->end() && !member->is_null();
}

std::string Fields::text(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  complain(name, "must be a string");
  return {};
}

std::optional<int64_t> Fields::integer(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) return value->get<int64_t>();
  complain(name, "must be an integer");
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->get<double>();
  complain(name, "must be a number");
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  complain(name, "must be true or false");
  return std::nullopt;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  const json* value = take(name);
  std::vector<std::string> found;
  if (value == nullptr) return found;
  if (!value->is_array()) {
    complain(name, "must be a list of strings");
    return found;
  }
  for (size_t i = 0; i < value->size(); ++i) {
    const json& item = (*value)[i];
    if (!item.is_string()) {
      complain(std::string(name) + "[" + std::to_string(i) + "]", "must be a string");
      return {};
    }
    found.push_back(item.get<std::string>());
  }
  return found;
}

Conf Fields::text_map(std::string_view name) {
  const json* value = take(name);
  Conf found;
  if (value == nullptr) return found;
  if (!value->is_object()) {
    complain(name, "must be a map of strings");
    return found;
  }
  for (const auto& [key, item] : value->items()) {
    if (item.is_string()) {
      found[key] = item.get<std::string>();
    } else if (item.is_number() || item.is_boolean()) {
      found[key] = base::dump_json(item);
    } else {
      complain(std::string(name) + "." + key, "must be a string");
    }
  }
  return found;
}

json Fields::object(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return *value;
  complain(name, "must be an object");
  return nullptr;
}

std::vector<json> Fields::objects(std::string_view name) {
  const json* value = take(name);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    complain(name, "must be a list");
    return {};
  }
  for (size_t i = 0; i < value->size(); ++i) {
    if ((*value)[i].is_object()) continue;
    complain(std::string(name) + "[" + std::to_string(i) + "]", "must be an object");
    return {};
  }
  return {value->begin(), value->end()};
}

Fields Fields::child(std::string_view name) {
  taken_.emplace(name);
  if (hidden_.contains(name)) return Fields(empty_object(), name, path_ + "." + std::string(name));
  return Fields(*object_, name, path_ + "." + std::string(name));
}

void Fields::accept(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    taken_.emplace(name);
}

void Fields::refuse(std::string_view name, std::string_view why) {
  if (take(name) == nullptr || problem_) return;
  problem_ = base::Error{
      base::Code::Unimplemented, path_ + "." + std::string(name) + " " + std::string(why), {}};
}

void Fields::refuse_rest() {
  for (const auto& [name, value] : object_->items()) {
    if (!taken_.contains(name)) refuse(name);
  }
}

void Fields::leave_out(std::string_view name) {
  const json* value = take(name);
  hidden_.emplace(name);
  if (value != nullptr && says_something(*value))
    left_out_.push_back(path_ + "." + std::string(name));
}

void Fields::complain(std::string_view name, std::string_view what) {
  if (problem_) return;
  problem_ = base::Error{
      base::Code::InvalidArgument, path_ + "." + std::string(name) + " " + std::string(what), {}};
}

void Fields::adopt(const Fields& child) {
  if (!problem_) problem_ = child.problem_;
  left_out_.insert(left_out_.end(), child.left_out_.begin(), child.left_out_.end());
}

base::Status Fields::problem() const {
  if (problem_) return base::failure(*problem_);
  return {};
}

}  // namespace runner::submission
