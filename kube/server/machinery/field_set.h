#pragma once

// FieldSet: a set of paths into an object, as server-side apply owns them: members of maps, items
// of list-maps by key, items of sets by value. It is the algebra behind managedFields and reads
// and writes the FieldsV1 format (`{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{}}}}}`).
//
// Source: Kubernetes' FieldsV1 documentation. Reading bounds depth and size. Threads: values.

#include <compare>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

// One step of a path, in its FieldsV1 text: `f:name`, `k:{"name":"a"}`, `v:"x"`, `i:0`. The text is
// canonical (compact JSON, keys sorted), so it compares by bytes.
struct PathElement {
  std::string text;
  static PathElement field(std::string_view name);
  static PathElement key(const Json& key_object);
  static PathElement value(const Json& value);
  static PathElement index(size_t index);
  static std::optional<PathElement> parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;  // `.spec`, `[name="a"]`, `[="x"]`, `[0]`
  auto operator<=>(const PathElement&) const = default;
};

class FieldSet {
 public:
  static Outcome<FieldSet> from_json(const Json& fields_v1);
  [[nodiscard]] Json to_json() const;

  [[nodiscard]] bool empty() const { return !member_ && children_.empty(); }
  [[nodiscard]] bool member() const { return member_; }  // the path that leads here is in the set
  void set_member(bool member) { member_ = member; }
  [[nodiscard]] const std::map<PathElement, FieldSet>& children() const { return children_; }
  [[nodiscard]] const FieldSet* child(const PathElement& element) const;
  FieldSet& at(const PathElement& element) { return children_[element]; }
  void drop_empty();

  void unite(const FieldSet& other);
  [[nodiscard]] FieldSet united(const FieldSet& other) const;
  [[nodiscard]] FieldSet intersected(const FieldSet& other) const;
  [[nodiscard]] FieldSet without(const FieldSet& other) const;
  // Removes everything at or below the members of `roots`.
  [[nodiscard]] FieldSet without_trees(const FieldSet& roots) const;
  // Every member path as people see it: `.spec.containers[name="a"].image`, sorted; the first
  // `most` of them, each cut at about 2 kB.
  [[nodiscard]] std::vector<std::string> paths(size_t most = static_cast<size_t>(-1)) const;
  [[nodiscard]] size_t size() const;

  bool operator==(const FieldSet& other) const = default;

 private:
  bool member_ = false;
  std::map<PathElement, FieldSet> children_;
};

}  // namespace kube::server::machinery
