// The node with real processes over an API in memory.

#include "runner/node/node.h"

#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"

using tests::NodeBed;
using tests::shell_pod;

TEST_CASE("a pod runs as a process and its outcome is reported") {
  NodeBed bed;
  bed.start();
  bed.create(shell_pod("good", "echo hello; echo to stderr >&2"));
  bed.create(shell_pod("bad", "echo broken; exit 3"));
  REQUIRE(bed.await_phase("good", "Succeeded"));
  REQUIRE(bed.await_phase("bad", "Failed"));
  CHECK(bed.terminated("good").value("reason", "") == "Completed");
  CHECK(bed.terminated("bad").value("exitCode", 0) == 3);
  CHECK(bed.terminated("bad").value("reason", "") == "Error");
  CHECK(bed.log("good") == "hello\nto stderr\n");
  CHECK(base::string_at(bed.pod("good"), {"spec", "nodeName"}) == "local");
  CHECK(base::string_at(bed.pod("good"), {"status", "podIP"}).starts_with("127."));
}
