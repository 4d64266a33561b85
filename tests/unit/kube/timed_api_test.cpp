#include "kube/timed_api.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::Json;
using namespace std::chrono_literals;

TEST_CASE("every call is told by verb, outcome and duration") {
  tests::MemoryApi api;
  tests::FakeClock clock;
  std::vector<std::string> told;
  kube::TimedApi timed(
      api, clock,
      [&](std::string_view verb, std::string_view outcome, std::chrono::milliseconds duration) {
        told.push_back(std::string(verb) + " " + std::string(outcome) + " " +
                       std::to_string(duration.count()));
      });
  const Json pod = {{"metadata", {{"namespace", "n"}, {"name", "a"}}}};
  api.on_create = [&](const kube::ResourceType&) { clock.advance(7ms); };
  CHECK_FALSE(timed.get(kube::pods(), {"n", "a"}));
  CHECK(timed.create(kube::pods(), pod));
  CHECK(timed.get(kube::pods(), {"n", "a"}));
  CHECK(timed.list(kube::pods(), {}));
  CHECK(timed.watch(kube::pods(), {.resource_version = std::to_string(api.revision())}));
  CHECK(timed.update(kube::pods(), pod));
  CHECK(timed.patch(kube::pods(), {"n", "a"}, kube::PatchType::MergePatch, {{"x", 1}}));
  CHECK(timed.remove(kube::pods(), {"n", "a"}));
  CHECK(told == std::vector<std::string>{"get not found 0", "create ok 7", "get ok 0", "list ok 0",
                                         "watch ok 0", "update ok 0", "patch ok 0", "delete ok 0"});
}

TEST_CASE("calls that nobody counts are only handed on") {
  tests::MemoryApi api;
  tests::FakeClock clock;
  kube::TimedApi timed(api, clock, {});
  CHECK(timed.list(kube::pods(), {}).value().items.empty());
}

}  // namespace
