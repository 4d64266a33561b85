#include "tools/sparkctl/unknown_command.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

struct Elsewhere {
  std::string_view word;
  std::string_view instead;
};

// Of the first operator's sparkctl, of kubectl, and of people's wishes.
constexpr Elsewhere kElsewhere[] = {
    {"apply", "sparkctl create makes new objects; kubectl apply changes those that are there"},
    {"edit", "kubectl edit changes what is there"},
    {"kill", "sparkctl stop ends a run and keeps it, sparkctl delete removes it"},
};

// Levenshtein's; both are short.
size_t distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < right.size(); ++j) {
      const size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string explain_unknown_command(const std::string& word,
                                    const std::vector<std::string>& commands) {
  constexpr size_t kLongest = 40;
  constexpr size_t kMostMistakes = 2;
  const std::string shown = safe_text(word.substr(0, kLongest));
  const std::string missing = "there is no command \"" + shown + "\"";
  for (const Elsewhere& one : kElsewhere)
    if (one.word == word) return missing + ": " + std::string(one.instead);
  if (word.size() <= kLongest) {
    size_t best = kMostMistakes + 1;
    const std::string* meant = nullptr;
    for (const std::string& command : commands) {
      const size_t mistakes = distance(word, command);
      if (mistakes >= best || mistakes >= command.size()) continue;
      best = mistakes;
      meant = &command;
    }
    if (meant != nullptr) return missing + "; did you mean \"" + *meant + "\"?";
  }
  return missing + "; sparkctl --help lists them";
}

}  // namespace sparkctl
