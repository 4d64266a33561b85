#include <algorithm>
#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"
#include "kube/server/machinery/patch.h"

namespace kube::server::machinery {
namespace {

using Pointer = std::vector<std::string>;
using Problem = std::optional<std::string>;

// RFC 6901; nullopt when malformed.
std::optional<Pointer> parse_pointer(const std::string& text) {
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.emplace_back();
    } else if (text[i] != '~') {
      pointer.back() += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      pointer.back() += text[++i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return pointer;
}

// An index below `end`, without leading zeros; -1 is the last below it, as kube-apiserver has it
// beyond RFC 6902.
std::optional<size_t> parse_index(const std::string& text, size_t end) {
  const bool from_end = !text.empty() && text.front() == '-';
  const std::string_view digits = std::string_view(text).substr(from_end ? 1 : 0);
  size_t index = 0;
  const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (problem != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  if (from_end) return index >= 1 && index <= end ? std::optional(end - index) : std::nullopt;
  if (index >= end) return std::nullopt;
  return index;
}

Json* step(Json& value, const std::string& token) {
  if (value.is_object()) {
    const auto at = value.find(token);
    return at == value.end() ? nullptr : &*at;
  }
  if (!value.is_array()) return nullptr;
  const auto index = parse_index(token, value.size());
  return index ? &value[*index] : nullptr;
}

Json* walk(Json& document, Pointer::const_iterator begin, Pointer::const_iterator end) {
  Json* at = &document;
  for (; begin != end && at != nullptr; ++begin)
    at = step(*at, *begin);
  return at;
}

class Patcher {
 public:
  Patcher(Json document, const PatchLimits& limits)
      : document_(std::move(document)), limits_(limits) {}

  // A problem, if any: the operation cannot be done on this document.
  Problem run(const Json& operation) {
    const std::string op = base::string_at(operation, {"op"});
    const auto path = parse_pointer(base::string_at(operation, {"path"}));
    const std::string where = "\"" + base::string_at(operation, {"path"}) + "\"";
    if (op == "test") return test(*path, operation, where);
    if (op == "add") return add(*path, operation["value"], where);
    if (op == "remove") return remove(*path, where);
    if (op == "replace") return replace(*path, operation["value"], where);
    if (op != "copy" && op != "move")
      return "Unexpected kind: " + (op.empty() ? std::string("unknown") : op);
    const auto from = parse_pointer(base::string_at(operation, {"from"}));
    return op == "copy" ? copy(*from, *path, where) : move(*from, *path, where);
  }

  Json take() { return std::move(document_); }
  // Why the last problem is one of size, which another document would not heal.
  [[nodiscard]] bool over_limit() const { return over_limit_; }

 private:
  Problem spend(size_t work) {
    work_ += work;
    if (work_ <= limits_.work) return std::nullopt;
    over_limit_ = true;
    return "the JSON patch shifts and moves more than " + std::to_string(limits_.work) +
           " list items and bytes: replace the whole list in one operation";
  }

  // Of inserting or removing at `index`: what stands behind it is shifted.
  Problem spend_shift(const Json& list, size_t index) { return spend(list.size() - index); }

  Problem test(const Pointer& path, const Json& operation, const std::string& where) {
    static const Json null;
    const Json* actual = walk(document_, path.begin(), path.end());
    const auto wanted = operation.find("value");
    const Json& expected = wanted == operation.end() ? null : *wanted;
    if (actual == nullptr ? expected.is_null() : *actual == expected) return std::nullopt;
    return "testing path " + where + " failed: test failed";
  }

  Problem add(const Pointer& path, Json value, const std::string& where) {
    added_ += base::json_size(value, limits_.added_bytes);
    if (added_ > limits_.added_bytes) {
      over_limit_ = true;
      return "the JSON patch adds more than " + std::to_string(limits_.added_bytes) + " bytes";
    }
    return place(path, std::move(value), where);
  }

  Problem place(const Pointer& path, Json value, const std::string& where) {
    if (path.size() + base::json_depth(value, limits_.depth) > limits_.depth) {
      return "add operation does not apply: the object would be nested too deeply";
    }
    if (path.empty()) {
      document_ = std::move(value);
      return std::nullopt;
    }
    Json* parent = walk(document_, path.begin(), path.end() - 1);
    if (parent != nullptr && parent->is_object()) {
      (*parent)[path.back()] = std::move(value);
      return std::nullopt;
    }
    if (parent != nullptr && parent->is_array()) {
      if (path.back() == "-") {
        parent->push_back(std::move(value));
        return std::nullopt;
      }
      if (const auto index = parse_index(path.back(), parent->size() + 1)) {
        if (auto problem = spend_shift(*parent, *index)) return problem;
        parent->insert(parent->begin() + static_cast<Json::difference_type>(*index),
                       std::move(value));
        return std::nullopt;
      }
    }
    return "add operation does not apply: doc is missing path: " + where;
  }

  Problem remove(const Pointer& path, const std::string& where) {
    Json* parent = path.empty() ? nullptr : walk(document_, path.begin(), path.end() - 1);
    Json* target = parent == nullptr ? nullptr : step(*parent, path.back());
    if (target == nullptr) {
      return "remove operation does not apply: doc is missing path: " + where;
    }
    if (parent->is_object()) {
      parent->erase(path.back());
    } else {
      const size_t index = *parse_index(path.back(), parent->size());
      if (auto problem = spend_shift(*parent, index)) return problem;
      parent->erase(index);
    }
    return std::nullopt;
  }

  // A member that is not there is added, against RFC 6902 and as kube-apiserver does it; clients
  // live by that.
  Problem replace(const Pointer& path, const Json& value, const std::string& where) {
    if (path.size() + base::json_depth(value, limits_.depth) > limits_.depth) {
      return "replace operation does not apply: the object would be nested too deeply";
    }
    Json* parent = path.empty() ? nullptr : walk(document_, path.begin(), path.end() - 1);
    if (parent != nullptr && parent->is_object()) {
      (*parent)[path.back()] = value;
      return std::nullopt;
    }
    Json* target = walk(document_, path.begin(), path.end());
    if (target == nullptr) {
      return "replace operation does not apply: doc is missing path: " + where;
    }
    *target = value;
    return std::nullopt;
  }

  Problem copy(const Pointer& from, const Pointer& path, const std::string& where) {
    const Json* source = walk(document_, from.begin(), from.end());
    if (source == nullptr) return "copy operation does not apply: doc is missing from path";
    return add(path, *source, where);
  }

  Problem move(const Pointer& from, const Pointer& path, const std::string& where) {
    if (from == path) return std::nullopt;
    if (from.size() < path.size() && std::equal(from.begin(), from.end(), path.begin())) {
      return "move operation does not apply: a value cannot move into itself";
    }
    Json* source = walk(document_, from.begin(), from.end());
    if (source == nullptr) return "move operation does not apply: doc is missing from path";
    if (auto problem = spend(base::json_size(*source, limits_.work))) return problem;
    Json value = std::move(*source);
    if (auto problem = remove(from, where)) return problem;
    return place(path, std::move(value), where);
  }

  Json document_;
  const PatchLimits& limits_;
  size_t added_ = 0;
  size_t work_ = 0;
  bool over_limit_ = false;
};

// What is malformed about an operation, whatever the document.
Problem malformed(const Json& operation) {
  if (!operation.is_object()) return "a JSON patch operation must be an object";
  const std::string op = base::string_at(operation, {"op"});
  const Json* path = base::find(operation, {"path"});
  if (path == nullptr || !path->is_string() ||
      !parse_pointer(path->get_ref<const std::string&>())) {
    return op + " operation has no valid path";
  }
  if ((op == "add" || op == "replace") && !operation.contains("value")) {
    return op + " operation has no value";
  }
  if (op == "copy" || op == "move") {
    const Json* from = base::find(operation, {"from"});
    if (from == nullptr || !from->is_string() ||
        !parse_pointer(from->get_ref<const std::string&>())) {
      return op + " operation has no valid from";
    }
  }
  return std::nullopt;
}

ApiError rejected(const std::string& why) {
  ApiError error;
  error.code = 422;
  error.reason = "Invalid";
  error.message = "the server rejected our request due to an error in our request: " + why;
  return error;
}

}  // namespace

Outcome<Json> json_patch(const Json& target, const Json& patch, const PatchLimits& limits) {
  if (!patch.is_array()) return refuse(bad_request("the JSON patch must be an array"));
  if (patch.size() > limits.operations) {
    return refuse(too_large("The allowed maximum operations in a JSON patch is " +
                            std::to_string(limits.operations) + ", got " +
                            std::to_string(patch.size())));
  }
  for (const Json& operation : patch) {
    if (auto problem = malformed(operation)) return refuse(bad_request(*problem));
  }
  Patcher patcher(target, limits);
  for (const Json& operation : patch) {
    auto problem = patcher.run(operation);
    if (!problem) continue;
    return refuse(patcher.over_limit() ? too_large(*problem) : rejected(*problem));
  }
  return patcher.take();
}

}  // namespace kube::server::machinery
