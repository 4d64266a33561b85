#include "runner/submission/properties.h"

#include <cstdint>

namespace runner::submission {
namespace {

enum class Part { Key, Value };

void append_escaped(std::string& out, std::string_view text, Part part) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
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
      case ' ':
        // Only a leading blank would be lost from a value; in a key each one would end it.
        out += part == Part::Key || i == 0 ? "\\ " : " ";
        break;
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

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}
bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

void append_utf8(std::string& out, uint32_t unit) {
  if (unit < 0x80) {
    out += static_cast<char>(unit);
  } else if (unit < 0x800) {
    out += static_cast<char>(0xC0 | (unit >> 6));
    out += static_cast<char>(0x80 | (unit & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | (unit >> 12));
    out += static_cast<char>(0x80 | ((unit >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (unit & 0x3F));
  }
}

// Reads one natural-language line with its continuations, comments and blank lines skipped.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  // The logical line without its line ends, or false at the end. Escapes are still in it.
  bool next(std::string& line) {
    while (true) {
      line.clear();
      if (rest_.empty()) return false;
      skip_blanks();
      if (rest_.empty()) return false;
      if (rest_.front() == '#' || rest_.front() == '!') {
        skip_to_line_end();
        continue;
      }
      read_logical(line);
      if (!line.empty()) return true;
    }
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front()))
      rest_.remove_prefix(1);
  }
  void skip_line_end() {
    if (rest_.starts_with("\r\n")) {
      rest_.remove_prefix(2);
    } else if (!rest_.empty()) {
      rest_.remove_prefix(1);
    }
  }
  void skip_to_line_end() {
    while (!rest_.empty() && !is_line_end(rest_.front()))
      rest_.remove_prefix(1);
    skip_line_end();
  }
  void read_logical(std::string& line) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (is_line_end(c)) {
        skip_line_end();
        return;
      }
      rest_.remove_prefix(1);
      if (c != '\\') {
        line += c;
      } else if (rest_.empty()) {
        return;
      } else if (is_line_end(rest_.front())) {
        skip_line_end();
        skip_blanks();
      } else {
        line += c;
        line += rest_.front();
        rest_.remove_prefix(1);
      }
    }
  }

  std::string_view rest_;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
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
      case 'u': {
        uint32_t unit = 0;
        size_t digits = 0;
        for (; digits < 4 && i + 1 + digits < text.size(); ++digits) {
          const char d = text[i + 1 + digits];
          const uint32_t nibble = d >= '0' && d <= '9'   ? static_cast<uint32_t>(d - '0')
                                  : d >= 'a' && d <= 'f' ? static_cast<uint32_t>(d - 'a' + 10)
                                  : d >= 'A' && d <= 'F' ? static_cast<uint32_t>(d - 'A' + 10)
                                                         : 16;
          if (nibble > 15) break;
          unit = unit * 16 + nibble;
        }
        if (digits == 4) {
          append_utf8(out, unit);
          i += 4;
        } else {
          out += c;
        }
        break;
      }
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string write_properties(const Conf& conf, std::string_view comment) {
  std::string text = "#" + std::string(comment) + "\n";
  for (const auto& [key, value] : conf) {
    append_escaped(text, key, Part::Key);
    text += '=';
    append_escaped(text, value, Part::Value);
    text += '\n';
  }
  return text;
}

Conf read_properties(std::string_view text) {
  Conf conf;
  LineReader lines(text);
  std::string line;
  while (lines.next(line)) {
    size_t key_end = 0;
    while (key_end < line.size() && line[key_end] != '=' && line[key_end] != ':' &&
           !is_blank(line[key_end])) {
      key_end += line[key_end] == '\\' && key_end + 1 < line.size() ? 2 : 1;
    }
    size_t value_start = key_end;
    while (value_start < line.size() && is_blank(line[value_start]))
      ++value_start;
    if (value_start < line.size() && (line[value_start] == '=' || line[value_start] == ':')) {
      ++value_start;
      while (value_start < line.size() && is_blank(line[value_start]))
        ++value_start;
    }
    conf[unescape(std::string_view(line).substr(0, key_end))] =
        unescape(std::string_view(line).substr(value_start));
  }
  return conf;
}

}  // namespace runner::submission
