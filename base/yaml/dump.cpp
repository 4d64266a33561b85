#include <array>
#include <cstdint>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/scalar.h"
#include "base/yaml/yaml.h"

namespace base::yaml {
namespace {

using nlohmann::json;

constexpr uint32_t kReplacement = 0xFFFD;

// The next code point and its length in bytes; U+FFFD and 1 where the text is not UTF-8.
struct CodePoint {
  uint32_t value = kReplacement;
  size_t bytes = 1;
};

CodePoint decode(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {.value = first};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  uint32_t value = first & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {};
  return {.value = value, .bytes = length};
}

// Inside a block or plain scalar these would be lost or refused.
bool needs_escape(uint32_t c) {
  return (c < 0x20 && c != '\n') || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 ||
         c == 0xFEFF || c == 0xFFFE || c == 0xFFFF || c == kReplacement;
}

bool has_escapes(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (needs_escape(point.value)) return true;
    text.remove_prefix(point.bytes);
  }
  return false;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (point.value == '"' || point.value == '\\') {
      out += '\\';
      out += static_cast<char>(point.value);
    } else if (point.value == '\n') {
      out += "\\n";
    } else if (point.value == '\t') {
      out += "\\t";
    } else if (needs_escape(point.value)) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04X", point.value);
      out += escape.data();
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return out + '"';
}

bool may_be_plain(std::string_view text) {
  if (text.empty() || looks_special(text)) return false;
  if (text.find_first_of("\n") != std::string_view::npos || has_escapes(text)) return false;
  constexpr std::string_view kIndicators = "!&*-?|>@`\"'%#{}[],: ";
  const bool dash_word =
      (text[0] == '-' || text[0] == '?' || text[0] == ':') && text.size() > 1 && text[1] != ' ';
  if (kIndicators.find(text[0]) != std::string_view::npos && !dash_word) return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

// A literal block keeps lines as they are; its first line must not begin with a blank, from which
// the indentation is read.
bool may_be_block(std::string_view text) {
  return text.find('\n') != std::string_view::npos && text[0] != '\n' && text[0] != ' ' &&
         !has_escapes(text);
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  // After "key:" or "-": on the same line if it fits there.
  void value(const json& value, size_t indent) {
    if (value.is_string()) return string(value.get_ref<const std::string&>(), indent);
    if (value.is_object() && !value.empty()) return map(value, indent);
    if (value.is_array() && !value.empty()) return sequence(value, indent);
    out_ += dump_json(value);
    out_ += '\n';
  }

 private:
  void map(const json& value, size_t indent) {
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      if (!std::exchange(first, false)) out_.append(indent, ' ');
      out_ += may_be_plain(key) ? key : in_quotes(key);
      out_ += ':';
      if (member.is_object() && !member.empty()) {
        out_ += '\n';
        out_.append(indent + 2, ' ');
        map(member, indent + 2);
      } else if (member.is_array() && !member.empty()) {
        out_ += '\n';
        out_.append(indent, ' ');
        sequence(member, indent);
      } else {
        out_ += ' ';
        this->value(member, indent + 2);
      }
    }
  }

  void sequence(const json& value, size_t indent) {
    bool first = true;
    for (const json& item : value) {
      if (!std::exchange(first, false)) out_.append(indent, ' ');
      out_ += "- ";
      this->value(item, indent + 2);
    }
  }

  void string(const std::string& text, size_t indent) {
    if (may_be_plain(text)) {
      out_ += text;
    } else if (may_be_block(text)) {
      return block(text, indent);
    } else {
      out_ += in_quotes(text);
    }
    out_ += '\n';
  }

  void block(std::string_view text, size_t indent) {
    // "|" ends in one line break, "|-" in none, "|+" keeps them all.
    const size_t last = text.find_last_not_of('\n');
    const size_t breaks = text.size() - 1 - last;
    out_ += breaks == 0 ? "|-\n" : breaks == 1 ? "|\n" : "|+\n";
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      if (end > 0) out_.append(std::max<size_t>(indent, 2), ' ');
      out_ += text.substr(0, end);
      out_ += '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  std::string out_;
};

}  // namespace

std::string dump(const json& value) {
  Writer writer;
  writer.value(value, 0);
  return writer.take();
}

}  // namespace base::yaml
