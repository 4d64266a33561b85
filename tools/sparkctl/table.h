#pragma once

// Table: columns as wide as they need to be, two blanks between. Text from outside is made safe for
// a terminal: control characters become question marks.
//
// Threads: plain value.

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "tools/sparkctl/session.h"

namespace sparkctl {

enum class Colour { None, Green, Red, Yellow, Grey };

struct Cell {
  Cell(std::string value, Colour shade = Colour::None)  // NOLINT: cells are written as text
      : text(std::move(value)), colour(shade) {}
  Cell(const char* value) : text(value) {}  // NOLINT
  std::string text;
  Colour colour = Colour::None;
};

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // `indent` stands in front of every line. Empty cells are shown as "-".
  void print(std::ostream& out, Colours colours, std::string_view indent = "") const;

 private:
  const std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

// One line, without control characters.
std::string safe_text(std::string_view text);
std::string coloured(const std::string& text, Colour colour, Colours colours);

}  // namespace sparkctl
