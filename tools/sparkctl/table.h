#pragma once

// Table: columns as wide as they need to be, two blanks between. With Fit::Wrapped, text of the
// last column that would end beyond kMostWidth is wrapped below its row. Text from outside is made
// safe for a terminal: control characters become question marks.
//
// Threads: plain value.

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "tools/sparkctl/session.h"

namespace sparkctl {

inline constexpr size_t kMostWidth = 120;

enum class Colour { None, Green, Red, Yellow, Grey };

struct Cell {
  Cell(std::string value, Colour shade = Colour::None)  // NOLINT: cells are written as text
      : text(std::move(value)), colour(shade) {}
  Cell(const char* value) : text(value) {}  // NOLINT
  std::string text;
  Colour colour = Colour::None;
};

enum class Fit { AsLong, Wrapped };

class Table {
 public:
  explicit Table(std::vector<std::string> header, Fit fit = Fit::AsLong);
  void add(std::vector<Cell> row);
  [[nodiscard]] bool empty() const { return empty_; }
  // What was added since the last print, in columns that only grow; the header once. `indent`
  // stands in front of every line. Empty cells are shown as "-".
  void print(std::ostream& out, Colours colours, std::string_view indent = "");

 private:
  void print_row(std::ostream& out, const std::vector<Cell>& row, Colours colours,
                 std::string_view indent) const;

  const Fit fit_;
  std::vector<size_t> widths_;
  std::vector<Cell> header_;  // until it was printed
  bool empty_ = true;
  std::vector<std::vector<Cell>> rows_;  // that were not printed yet
};

// One line, without control characters.
std::string safe_text(std::string_view text);
std::string coloured(const std::string& text, Colour colour, Colours colours);

}  // namespace sparkctl
