// The engine against the oracle, on random questions near the changes of difficult zones.
#include <cstdlib>
#include <random>

#include "tests/fuzz/cron_comparison.h"
#include "tests/support/catch.h"

namespace {

class RandomChoices final : public oracle::Choices {
 public:
  explicit RandomChoices(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) override { return static_cast<uint32_t>(engine_() % limit); }

 private:
  std::mt19937_64 engine_;
};

// The number of questions: SPARKCRON_CRON_QUESTIONS, or what the build says.
uint64_t questions() {
  const char* given = std::getenv("SPARKCRON_CRON_QUESTIONS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : SPARKCRON_CRON_QUESTIONS;
}

}  // namespace

TEST_CASE("random questions have the oracle's answers") {
  const uint64_t seed = uint64_t{Catch::rngSeed()} << 32;
  for (uint64_t i = 0; i < questions(); ++i) {
    RandomChoices choices(seed + i);
    const std::string difference = oracle::compare(oracle::make_question(choices));
    if (!difference.empty()) FAIL_CHECK("question " << seed + i << ": " << difference);
  }
  SUCCEED();
}
