#include "kube/json_nesting.h"

namespace kube {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view without_spaces_behind(std::string_view text) {
  const size_t last = text.find_last_not_of(kSpaces);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

void JsonNesting::take(char byte) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (byte == '\\') {
      escaped_ = true;
    } else if (byte == '"') {
      in_string_ = false;
    }
    return;
  }
  switch (byte) {
    case '"':
      in_string_ = true;
      break;
    case '{':
    case '[':
      ++depth_;
      break;
    case '}':
    case ']':
      if (depth_ > 0) --depth_;
      break;
    default:
      break;
  }
}

bool ends_with_name(std::string_view before, std::string_view name) {
  before = without_spaces_behind(before);
  if (!before.ends_with(':')) return false;
  before = without_spaces_behind(before.substr(0, before.size() - 1));
  if (!before.ends_with('"')) return false;
  before.remove_suffix(1);
  if (!before.ends_with(name)) return false;
  before.remove_suffix(name.size());
  return before.ends_with('"');
}

std::string_view member_text(std::string_view object, std::string_view name) {
  JsonNesting nesting;
  size_t begin = std::string_view::npos;
  for (size_t at = 0; at < object.size(); ++at) {
    const char byte = object[at];
    const bool quoted = nesting.in_string();
    nesting.take(byte);
    if (quoted) continue;
    if (nesting.depth() == 1 && byte == ':' && ends_with_name(object.substr(0, at + 1), name)) {
      begin = at + 1;
    } else if (begin != std::string_view::npos &&
               ((nesting.depth() == 1 && byte == ',') || nesting.depth() == 0)) {
      return object.substr(begin, at - begin);
    }
  }
  return {};
}

}  // namespace kube
