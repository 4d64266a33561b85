#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/machinery_inputs.h"
#include "tests/support/catch.h"

namespace {

std::vector<std::string> corpus_of(const std::string& target) {
  std::vector<std::string> inputs;
  const auto folder =
      std::filesystem::path(SPARKCRON_SOURCE_DIR) / "tests/fuzz/corpus" / ("machinery_" + target);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// A small change somewhere: a byte, a piece cut out, a piece doubled.
std::string changed(std::string input, std::mt19937& random) {
  if (input.empty()) return input;
  const size_t at = random() % input.size();
  const size_t length = random() % std::min<size_t>(16, input.size() - at);
  switch (random() % 4) {
    case 0:
      input[at] = static_cast<char>(random());
      break;
    case 1:
      input.erase(at, length);
      break;
    case 2:
      input.insert(at, input.substr(at, length));
      break;
    default:
      std::swap(input[at], input[random() % input.size()]);
  }
  return input;
}

}  // namespace

TEST_CASE("the fuzzers' corpus and its neighbours keep the laws") {
  std::mt19937 random(20260308);
  for (const tests::fuzz::MachineryTarget& target : tests::fuzz::machinery_targets()) {
    const auto inputs = corpus_of(target.name);
    INFO(target.name);
    REQUIRE_FALSE(inputs.empty());
    for (const std::string& input : inputs) {
      target.run(input);
      for (int i = 0; i < 200; ++i)
        target.run(changed(input, random));
    }
  }
}
