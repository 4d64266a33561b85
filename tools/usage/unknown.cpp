#include "tools/usage/unknown.h"

#include <algorithm>
#include <numeric>

namespace usage {
namespace {

constexpr size_t kLongest = 40;
constexpr size_t kMostMistakes = 2;

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

// The app, its command, and that one's.
std::vector<const CLI::App*> parsed_commands(const CLI::App& app) {
  std::vector<const CLI::App*> commands{&app};
  for (auto inner = app.get_subcommands(); !inner.empty();) {
    commands.push_back(inner.front());
    inner = inner.front()->get_subcommands();
  }
  return commands;
}

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kLongest));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char one) { return static_cast<unsigned char>(one) < ' ' || one == '\x7f'; }, '?');
  return shown;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words) {
  if (word.size() > kLongest) return std::nullopt;
  size_t best = kMostMistakes + 1;
  std::optional<std::string> meant;
  for (const std::string& one : words) {
    const size_t mistakes = distance(word, one);
    if (mistakes >= best || mistakes >= one.size()) continue;
    best = mistakes;
    meant = one;
  }
  return meant;
}

std::optional<std::string> explain_unknown_option(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(true);
  const auto option = std::find_if(left.begin(), left.end(), [](const std::string& one) {
    return one.size() > 1 && one.front() == '-' && one != "--";
  });
  if (option == left.end()) return std::nullopt;
  const std::vector<const CLI::App*> commands = parsed_commands(app);
  std::vector<std::string> names;
  for (const CLI::App* command : commands)
    for (const CLI::Option* one : command->get_options())
      names.insert(names.end(), one->get_lnames().begin(), one->get_lnames().end());
  const std::string word = option->substr(0, option->find('='));
  std::string said = commands.back()->get_name() + " has no option " + printable(word);
  const size_t dashes = word.find_first_not_of('-');
  const auto meant =
      dashes == std::string::npos ? std::nullopt : nearest(word.substr(dashes), names);
  return said + (meant ? "; did you mean --" + *meant + "?" : "; --help lists those that it has");
}

}  // namespace usage
