#include "tools/sparkctl/table.h"

#include <algorithm>
#include <ostream>

namespace sparkctl {
namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

size_t width_of(std::string_view text) {
  return text.size() -
         static_cast<size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::None:
      return "";
    case Colour::Green:
      return "\x1b[32m";
    case Colour::Red:
      return "\x1b[31m";
    case Colour::Yellow:
      return "\x1b[33m";
    case Colour::Grey:
      return "\x1b[90m";
  }
  return "";
}

}  // namespace

std::string safe_text(std::string_view text) {
  std::string safe;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n' || c == '\t' || c == '\r') {
      if (!safe.empty() && safe.back() != ' ') safe.push_back(' ');
    } else if (c < 0x20 || c == 0x7f) {
      safe.push_back('?');
    } else if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      safe.push_back('?');  // U+0080 to U+009F are control characters too
      ++i;
    } else {
      safe.push_back(text[i]);
    }
  }
  return safe;
}

std::string coloured(const std::string& text, Colour colour, Colours colours) {
  if (colours == Colours::Off || colour == Colour::None) return text;
  return code_of(colour) + text + "\x1b[0m";
}

void Table::print(std::ostream& out, Colours colours, std::string_view indent) const {
  std::vector<std::vector<Cell>> rows = rows_;
  std::vector<size_t> widths;
  for (const std::string& title : header_)
    widths.push_back(width_of(title));
  for (auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i].text = row[i].text.empty() ? "-" : safe_text(row[i].text);
      widths[i] = std::max(widths[i], width_of(row[i].text));
    }
  }
  const auto print_row = [&](const std::vector<Cell>& row) {
    out << indent;
    for (size_t i = 0; i < row.size(); ++i) {
      out << coloured(row[i].text, row[i].colour, colours);
      if (i + 1 < row.size()) out << std::string(widths[i] - width_of(row[i].text) + 2, ' ');
    }
    out << '\n';
  };
  print_row({header_.begin(), header_.end()});
  for (const auto& row : rows)
    print_row(row);
}

}  // namespace sparkctl
