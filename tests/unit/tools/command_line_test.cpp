#include "tools/sparkcron/command_line.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace sparkcron {
namespace {

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "sparkcron");
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  return parse_command_line(static_cast<int>(words.size()), arguments.data());
}

TEST_CASE("as many workers as help where the API is, unless somebody knows better") {
  struct Case {
    const char* name;
    std::vector<std::string> words;
    int workers;
  };
  const Case cases[] = {
      {.name = "on a cluster", .words = {"controller"}, .workers = 4},
      {.name = "in one process", .words = {"standalone"}, .workers = 16},
      {.name = "told, cluster", .words = {"controller", "--workers", "32"}, .workers = 32},
      {.name = "told, standalone", .words = {"standalone", "--workers", "1"}, .workers = 1}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Parsed parsed = parse(c.words);
      REQUIRE(parsed.command_line);
      CHECK(parsed.command_line->options.workers == c.workers);
    }
  }
  for (const char* wrong : {"0", "-1", "many", "1000000"}) {
    const Parsed parsed = parse({"controller", "--workers", wrong});
    CHECK_FALSE(parsed.command_line);
    CHECK(parsed.exit_code == kExitUsage);
  }
}

}  // namespace
}  // namespace sparkcron
