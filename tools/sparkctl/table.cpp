#include "tools/sparkctl/table.h"

#include <algorithm>
#include <ostream>

namespace sparkctl {
namespace {

constexpr size_t kGap = 2;

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

// At blanks, or inside of a word that is longer than a line.
std::vector<std::string> wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = 0;
    size_t last_blank = 0;
    for (size_t column = 0; end < text.size() && column <= width; ++column) {
      if (text[end] == ' ') last_blank = end;
      if (column == width) break;
      ++end;
      while (end < text.size() && continues_character(text[end]))
        ++end;
    }
    const bool broken = end < text.size() && last_blank > 0;
    lines.emplace_back(text.substr(0, broken ? last_blank : end));
    text.remove_prefix(broken ? last_blank + 1 : end);
  }
  return lines;
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

Table::Table(std::vector<std::string> header, Fit fit)
    : fit_(fit), widths_(header.size(), 0), header_(header.begin(), header.end()) {}

void Table::add(std::vector<Cell> row) {
  for (Cell& cell : row)
    cell.text = cell.text.empty() ? "-" : safe_text(cell.text);
  rows_.push_back(std::move(row));
  empty_ = false;
}

void Table::print_row(std::ostream& out, const std::vector<Cell>& row, Colours colours,
                      std::string_view indent) const {
  // In a column that is narrower than that nobody can read sentences.
  constexpr size_t kLeast = 20;
  const std::string margin(indent.size() + 4, ' ');
  size_t column = indent.size();
  out << indent;
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string& text = row[i].text;
    const bool last = i > 0 && i + 1 == widths_.size();
    if (last && fit_ == Fit::Wrapped && column + std::max(width_of(text), kLeast) > kMostWidth) {
      if (&row == &header_ || text == "-") break;
      for (const std::string& line : wrap(text, kMostWidth - margin.size()))
        out << '\n' << margin << coloured(line, row[i].colour, colours);
      break;
    }
    if (i > 0) out << std::string(widths_[i - 1] - width_of(row[i - 1].text) + kGap, ' ');
    out << coloured(text, row[i].colour, colours);
    column += widths_[i] + kGap;
  }
  out << '\n';
}

void Table::print(std::ostream& out, Colours colours, std::string_view indent) {
  const auto widen = [&](const std::vector<Cell>& row) {
    for (size_t i = 0; i < std::min(row.size(), widths_.size()); ++i)
      widths_[i] = std::max(widths_[i], width_of(row[i].text));
  };
  widen(header_);
  for (const auto& row : rows_)
    widen(row);
  if (!header_.empty()) print_row(out, header_, colours, indent);
  header_.clear();
  for (const auto& row : rows_)
    print_row(out, row, colours, indent);
  rows_.clear();
}

}  // namespace sparkctl
