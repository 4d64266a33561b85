// The questions of tests/data/cron: 4,243 answers under our rules, 547 refused expressions.
#include <fstream>
#include <sstream>

#include "base/rfc3339.h"
#include "scheduler/schedule.h"
#include "tests/support/catch.h"

namespace {

constexpr char kFolder[] = SPARKCRON_SOURCE_DIR "/tests/data/cron/";

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(line);
  for (std::string part; std::getline(stream, part, separator);)
    parts.push_back(part);
  return parts;
}

std::optional<scheduler::DstPolicy> policy_of(const std::string& name) {
  if (name == "Vixie") return scheduler::DstPolicy::Vixie;
  if (name == "Kubernetes") return scheduler::DstPolicy::Kubernetes;
  if (name == "Once") return scheduler::DstPolicy::Once;
  return std::nullopt;
}

scheduler::Instant instant_of(const std::string& text) {
  return std::chrono::floor<std::chrono::seconds>(base::parse_rfc3339(text).value());
}

std::string answer(const scheduler::Schedule& schedule, scheduler::Instant after, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) {
    const auto slot = schedule.next(after);
    result += (i == 0 ? "" : ";") + (slot ? base::format_rfc3339(*slot) : "NEVER");
    if (!slot) break;
    after = *slot;
  }
  return result;
}

}  // namespace

TEST_CASE("every question of product.tsv has its answer") {
  std::ifstream file(std::string(kFolder) + "product.tsv");
  std::string line;
  std::getline(file, line);
  size_t asked = 0;
  while (std::getline(file, line)) {
    const std::vector<std::string> row = split(line, '\t');
    REQUIRE(row.size() == 6);
    const auto policy = policy_of(row[3]);
    REQUIRE(policy.has_value());
    const auto schedule =
        scheduler::Schedule::parse(row[0], {.zone = row[1], .dst_policy = *policy});
    INFO(line);
    REQUIRE(schedule.has_value());
    CHECK(answer(*schedule, instant_of(row[2]), split(row[4], ';').size()) == row[4]);
    ++asked;
  }
  CHECK(asked == 4243);
}

TEST_CASE("every expression of invalid.txt is refused") {
  std::ifstream file(std::string(kFolder) + "invalid.txt");
  size_t refused = 0;
  for (std::string line; std::getline(file, line); ++refused) {
    INFO(line);
    CHECK_FALSE(scheduler::Schedule::parse(line).has_value());
  }
  CHECK(refused == 547);
}
