#include "base/properties.h"

#include <charconv>
#include <cstdint>

namespace base {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}
bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

void append_utf8(std::string& out, uint32_t code) {
  const auto byte = [&out](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // Skips blank lines and comments; false at the end.
  bool next_line() {
    while (at_ < text_.size()) {
      if (is_blank(text_[at_]) || is_line_end(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '#' || text_[at_] == '!') {
        while (at_ < text_.size() && !is_line_end(text_[at_]))
          ++at_;
      } else {
        return true;
      }
    }
    return false;
  }

  std::string key() {
    std::string key;
    while (!done() && !is_blank(peek()) && peek() != '=' && peek() != ':')
      take(key);
    skip_blanks();
    if (!done() && (peek() == '=' || peek() == ':')) {
      ++at_;
      skip_blanks();
    }
    return key;
  }

  std::string value() {
    std::string value;
    while (!done())
      take(value);
    return value;
  }

 private:
  // At the end of the logical line; steps over a backslash that continues it.
  bool done() {
    while (at_ + 1 < text_.size() && text_[at_] == '\\' && is_line_end(text_[at_ + 1])) {
      at_ += text_[at_ + 1] == '\r' && at_ + 2 < text_.size() && text_[at_ + 2] == '\n' ? 3 : 2;
      skip_blanks();
    }
    return at_ >= text_.size() || is_line_end(text_[at_]);
  }
  [[nodiscard]] char peek() const { return text_[at_]; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }
  void take(std::string& out) {
    const char c = text_[at_++];
    if (c != '\\' || at_ >= text_.size()) {
      if (c != '\\') out += c;
      return;
    }
    const char escaped = text_[at_++];
    switch (escaped) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u':
        unicode(out);
        break;
      default:
        out += escaped;
    }
  }
  bool hex4(size_t at, uint32_t& code) const {
    if (at + 4 > text_.size()) return false;
    const char* begin = text_.data() + at;
    const auto [end, problem] = std::from_chars(begin, begin + 4, code, 16);
    return problem == std::errc() && end == begin + 4;
  }
  void unicode(std::string& out) {
    uint32_t code = 0;
    if (!hex4(at_, code)) {
      out += "\\u";
      return;
    }
    at_ += 4;
    uint32_t low = 0;
    const bool high = code >= 0xD800 && code < 0xDC00;
    if (high && text_.substr(at_, 2) == "\\u" && hex4(at_ + 2, low) && low >= 0xDC00 &&
        low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      at_ += 6;
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
  }

  std::string_view text_;
  size_t at_ = 0;
};

enum class Part { Key, Value };

void append_escaped(std::string& out, std::string_view text, Part part) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\f':
        out += "\\f";
        break;
      // Only a leading blank would be lost from a value; in a key each one would end it.
      case ' ':
        out += part == Part::Key || i == 0 ? "\\ " : " ";
        break;
      case '\\':
      case '=':
      case ':':
      case '#':
      case '!':
        out += '\\';
        out += c;
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

Properties parse_properties(std::string_view text) {
  Properties properties;
  Reader reader(text);
  while (reader.next_line()) {
    std::string key = reader.key();
    properties[std::move(key)] = reader.value();
  }
  return properties;
}

std::string format_properties(const Properties& properties) {
  std::string text;
  for (const auto& [key, value] : properties) {
    append_escaped(text, key, Part::Key);
    text += '=';
    append_escaped(text, value, Part::Value);
    text += '\n';
  }
  return text;
}

}  // namespace base
