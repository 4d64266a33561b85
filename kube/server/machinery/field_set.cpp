#include "kube/server/machinery/field_set.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"
#include "kube/server/machinery/decode.h"

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxDepth = 128;
constexpr size_t kMaxPath = 2048;  // for people to read

// The value as people would write it in a path: `"x"`, 80, true.
std::string shown(const Json& value) {
  return base::dump_json(value);
}

}  // namespace

PathElement PathElement::field(std::string_view name) {
  return {"f:" + std::string(name)};
}
PathElement PathElement::key(const Json& key_object) {
  return {"k:" + base::dump_json(key_object)};
}
PathElement PathElement::value(const Json& value) {
  return {"v:" + base::dump_json(value)};
}
PathElement PathElement::index(size_t index) {
  return {"i:" + std::to_string(index)};
}

std::optional<PathElement> PathElement::parse(std::string_view text) {
  if (text.size() < 2 || text[1] != ':') return std::nullopt;
  const std::string_view rest = text.substr(2);
  if (text[0] == 'f') return PathElement{std::string(text)};
  if (text[0] == 'i') {
    size_t index_value = 0;
    const auto [end, problem] =
        std::from_chars(rest.data(), rest.data() + rest.size(), index_value);
    if (problem != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    return index(index_value);
  }
  if (text[0] != 'k' && text[0] != 'v') return std::nullopt;
  const auto decoded = decode_json(rest, {.bytes = size_t{64} << 10, .depth = 32});
  if (!decoded) return std::nullopt;
  if (text[0] == 'v') return value(decoded->value);
  if (!decoded->value.is_object() || decoded->value.empty()) return std::nullopt;
  return key(decoded->value);
}

std::string PathElement::to_string() const {
  const std::string rest = text.substr(2);
  if (text[0] == 'f') return "." + rest;
  if (text[0] == 'i') return "[" + rest + "]";
  if (text[0] == 'v') return "[=" + rest + "]";
  const auto decoded = decode_json(rest);
  if (!decoded || !decoded->value.is_object()) return "[" + rest + "]";
  std::string keys;
  for (const auto& [name, value] : decoded->value.items()) {
    keys += (keys.empty() ? "" : ",") + name + "=" + shown(value);
  }
  return "[" + keys + "]";
}

namespace {

Outcome<FieldSet> read(const Json& fields) {
  FieldSet set;
  for (const auto& [text, child] : fields.items()) {
    if (text == ".") {
      set.set_member(true);
      continue;
    }
    const auto element = PathElement::parse(text);
    if (!element || !child.is_object()) {
      return refuse(bad_request("managedFields: cannot read the field " + shown(text)));
    }
    auto below = read(child);
    if (!below) return below;
    // A leaf is written as {}: it is in the set by being there.
    if (child.empty()) below->set_member(true);
    set.at(*element) = std::move(*below);
  }
  return set;
}

std::string step_below(const std::string& path, const PathElement& element) {
  std::string below = path.size() > kMaxPath ? path : path + element.to_string();
  return below.size() > kMaxPath + 3 ? below.substr(0, kMaxPath) + "..." : below;
}

// What is owned at a level comes before what is owned further down, as a real server lists it.
void list(const FieldSet& set, const std::string& path, size_t most,
          std::vector<std::string>& out) {
  for (const auto& [element, child] : set.children()) {
    if (out.size() >= most) return;
    if (child.member()) out.push_back(step_below(path, element));
  }
  for (const auto& [element, child] : set.children()) {
    if (out.size() >= most) return;
    list(child, step_below(path, element), most, out);
  }
}

}  // namespace

Outcome<FieldSet> FieldSet::from_json(const Json& fields_v1) {
  if (!fields_v1.is_object())
    return refuse(bad_request("managedFields: fieldsV1 must be an object"));
  if (base::json_depth(fields_v1, kMaxDepth) > kMaxDepth) {
    return refuse(bad_request("managedFields: fieldsV1 is nested too deeply"));
  }
  return read(fields_v1);
}

Json FieldSet::to_json() const {
  Json fields = Json::object();
  for (const auto& [element, child] : children_) {
    Json below = child.to_json();
    if (child.member_ && !child.children_.empty()) below["."] = Json::object();
    fields[element.text] = std::move(below);
  }
  return fields;
}

const FieldSet* FieldSet::child(const PathElement& element) const {
  const auto at = children_.find(element);
  return at == children_.end() ? nullptr : &at->second;
}

void FieldSet::drop_empty() {
  for (auto at = children_.begin(); at != children_.end();) {
    at->second.drop_empty();
    at = at->second.empty() ? children_.erase(at) : std::next(at);
  }
}

void FieldSet::unite(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [element, theirs] : other.children_)
    children_[element].unite(theirs);
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet result = *this;
  result.unite(other);
  return result;
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet result;
  result.member_ = member_ && other.member_;
  for (const auto& [element, ours] : children_) {
    const FieldSet* theirs = other.child(element);
    if (theirs == nullptr) continue;
    FieldSet both = ours.intersected(*theirs);
    if (!both.empty()) result.children_[element] = std::move(both);
  }
  return result;
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet result;
  result.member_ = member_ && !other.member_;
  for (const auto& [element, ours] : children_) {
    const FieldSet* theirs = other.child(element);
    FieldSet rest = theirs == nullptr ? ours : ours.without(*theirs);
    if (!rest.empty()) result.children_[element] = std::move(rest);
  }
  return result;
}

FieldSet FieldSet::without_trees(const FieldSet& roots) const {
  FieldSet result;
  if (roots.member_) return result;
  result.member_ = member_;
  for (const auto& [element, ours] : children_) {
    const FieldSet* theirs = roots.child(element);
    FieldSet rest = theirs == nullptr ? ours : ours.without_trees(*theirs);
    if (!rest.empty()) result.children_[element] = std::move(rest);
  }
  return result;
}

std::vector<std::string> FieldSet::paths(size_t most) const {
  std::vector<std::string> paths;
  list(*this, "", most, paths);
  return paths;
}

size_t FieldSet::size() const {
  size_t count = member_ ? 1 : 0;
  for (const auto& [element, child] : children_)
    count += child.size();
  return count;
}

}  // namespace kube::server::machinery
