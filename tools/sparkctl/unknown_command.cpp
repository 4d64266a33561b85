#include "tools/sparkctl/unknown_command.h"

#include <string_view>

#include "tools/sparkctl/table.h"
#include "tools/usage/unknown.h"

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

}  // namespace

std::string explain_unknown_command(const std::string& word,
                                    const std::vector<std::string>& commands) {
  constexpr size_t kLongest = 40;
  const std::string shown = safe_text(word.substr(0, kLongest));
  const std::string missing = "there is no command \"" + shown + "\"";
  for (const Elsewhere& one : kElsewhere)
    if (one.word == word) return missing + ": " + std::string(one.instead);
  if (const auto meant = usage::nearest(word, commands))
    return missing + "; did you mean \"" + *meant + "\"?";
  return missing + "; sparkctl --help lists them";
}

}  // namespace sparkctl
