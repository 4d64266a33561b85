// A pod that was removed by force while it runs, and who comes after it.

#include <fstream>

#include "base/json.h"
#include "config/names.h"
#include "runner/node/predecessors.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"
#include "tests/unit/runner/node/observe.h"

using namespace std::chrono_literals;
using nlohmann::json;
using runner::node::Succession;
using tests::await;
using tests::living;
using tests::NodeBed;
namespace fs = std::filesystem;

namespace {

json driver(const std::string& name, const std::string& application, const std::string& schedule,
            const std::string& script = "true") {
  json pod = tests::shell_pod(name, script);
  pod["metadata"]["labels"] = {{config::kSparkRoleLabel, "driver"},
                               {config::kAppNameLabel, application}};
  if (!schedule.empty()) pod["metadata"]["labels"][config::kScheduledAppNameLabel] = schedule;
  return pod;
}

void create_schedule(NodeBed& bed, const std::string& policy) {
  REQUIRE(bed.api.create(config::scheduled_spark_applications(),
                         {{"metadata", {{"name", "etl"}, {"namespace", "default"}}},
                          {"spec", {{"concurrencyPolicy", policy}}}}));
}

}  // namespace

TEST_CASE("who must have ended before whom") {
  struct Case {
    std::string name;
    json elder;
    json younger;
    Succession rule;
  };
  json elsewhere = driver("b", "app", "etl");
  elsewhere["metadata"]["namespace"] = "other";
  const Case cases[] = {
      {"a namesake", tests::shell_pod("a", ""), tests::shell_pod("a", ""), Succession::Always},
      {"strangers", tests::shell_pod("a", ""), tests::shell_pod("b", ""), Succession::None},
      {"drivers of one application", driver("a", "app", ""), driver("b", "app", ""),
       Succession::Always},
      {"drivers of one schedule", driver("a", "app-1", "etl"), driver("b", "app-2", "etl"),
       Succession::BySchedule},
      {"drivers of two schedules", driver("a", "app-1", "etl"), driver("b", "app-2", "elt"),
       Succession::None},
      {"another namespace", driver("a", "app", "etl"), elsewhere, Succession::None},
      {"nothing is known of the elder", json(), driver("b", "app", "etl"), Succession::None},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(runner::node::succession(c.elder, c.younger) == c.rule);
    }
  }
}

TEST_CASE("under Forbid no driver starts beside a force-deleted one that still lives") {
  NodeBed bed;
  create_schedule(bed, "Forbid");
  bed.start();
  const std::string overlap = bed.folder.path().string() + "/overlap";
  const std::string uid =
      kube::uid_of(bed.create(driver("one", "etl-1", "etl", "exec sleep 1000")));
  REQUIRE(bed.await_phase("one", "Running"));
  // The node is away while the pod is removed: the process goes on, and nobody knows.
  bed.stop();
  REQUIRE(bed.api.remove(kube::pods(), {"default", "one"}, {.grace_period = 0s}));
  bed.create(driver("two", "etl-2", "etl",
                    "for e in /proc/[0-9]*/environ; do tr '\\0' '\\n' <$e 2>/dev/null | grep -q "
                    "'SPARKCRON_POD=" +
                        uid + "' && touch " + overlap + "; done; true"));
  bed.start();
  REQUIRE(bed.await_phase("two", "Succeeded"));
  CHECK_FALSE(fs::exists(overlap));
  CHECK(living(uid) == 0);
}

TEST_CASE("a pod that was removed by force gets SIGKILL at once") {
  NodeBed bed;
  bed.start();
  const std::string uid = kube::uid_of(bed.create(
      driver("one", "etl-1", "", "trap '' TERM; echo up; while :; do sleep 0.05; done")));
  REQUIRE(await([&] { return bed.log("one") == "up\n"; }));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "one"}, {.grace_period = 0s}));
  CHECK(await([&] { return living(uid) == 0; }));
  CHECK(await([&] { return !fs::exists(bed.options.data_dir / "pods" / uid); }));
}
