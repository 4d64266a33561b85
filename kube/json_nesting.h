#pragma once

// JsonNesting: follows the nesting of a JSON text byte by byte without reading its values. Enough
// to cut a long answer into its objects before any of them is parsed, so that one that cannot be
// read costs only itself. It says nothing about whether the text is JSON.
//
// Threads: one.

#include <cstddef>
#include <string_view>

namespace kube {

class JsonNesting {
 public:
  void take(char byte);
  [[nodiscard]] size_t depth() const { return depth_; }  // open brackets and braces
  [[nodiscard]] bool in_string() const { return in_string_; }

 private:
  size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// The value of a member of the outermost object, as it is written; empty when there is none or the
// text ends before it does. Only for names without escapes.
std::string_view member_text(std::string_view object, std::string_view name);

// `before` ends with "name": , so that a value of that name comes next.
bool ends_with_name(std::string_view before, std::string_view name);

}  // namespace kube
