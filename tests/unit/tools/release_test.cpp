// After an uninstall nobody takes finalizers off: release_runs does it before.

#include "tools/sparkcron/release.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"
#include "tests/support/catch.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

using kube::Json;

struct Bed {
  tests::MemoryApi api{base::real_clock()};

  void run(const std::string& ns, const std::string& name, const Json& finalizers) {
    const auto created =
        api.create(config::spark_applications(),
                   {{"apiVersion", config::kApiVersion},
                    {"kind", config::kApplicationKind},
                    {"metadata", {{"namespace", ns}, {"name", name}, {"finalizers", finalizers}}}});
    REQUIRE(created);
  }
  std::vector<std::string> finalizers(const std::string& ns, const std::string& name) {
    return kube::finalizers_of(api.peek(config::spark_applications(), {ns, name}));
  }
};

TEST_CASE("runs are let go, and finalizers of others stay") {
  Bed bed;
  bed.run("etl", "a", {config::kRunFinalizer});
  bed.run("etl", "b", {"example.com/audit", config::kRunFinalizer});
  bed.run("reports", "c", Json::array());
  const auto released = release_runs(bed.api, {});
  REQUIRE(released);
  CHECK(*released == 2);
  CHECK(bed.finalizers("etl", "a").empty());
  CHECK(bed.finalizers("etl", "b") == std::vector<std::string>{"example.com/audit"});
}

TEST_CASE("only the runs of the given namespaces are let go") {
  Bed bed;
  bed.run("etl", "a", {config::kRunFinalizer});
  bed.run("reports", "b", {config::kRunFinalizer});
  CHECK(release_runs(bed.api, {"etl"}).value_or(0) == 1);
  CHECK(bed.finalizers("etl", "a").empty());
  CHECK(bed.finalizers("reports", "b").size() == 1);
}

TEST_CASE("without the definitions there is nothing to let go") {
  Bed bed;
  bed.api.fail("list", {.code = base::Code::NotFound, .message = "no such resource"});
  CHECK(release_runs(bed.api, {}).value_or(1) == 0);
}

TEST_CASE("a conflict is looked at again") {
  Bed bed;
  bed.run("etl", "a", {config::kRunFinalizer});
  bed.api.fail("patch", {.code = base::Code::Conflict, .message = "changed"});
  CHECK(release_runs(bed.api, {}).value_or(0) == 1);
  CHECK(bed.finalizers("etl", "a").empty());
}

TEST_CASE("a run that cannot be let go is counted and stops none of the others") {
  Bed bed;
  bed.run("etl", "a", {config::kRunFinalizer});
  bed.run("etl", "b", {config::kRunFinalizer});
  bed.api.fail("patch", {.code = base::Code::Forbidden, .message = "may not patch"});
  const auto released = release_runs(bed.api, {});
  REQUIRE_FALSE(released);
  CHECK(released.error().code == base::Code::Forbidden);
  CHECK(released.error().message ==
        "1 run may still carry the finalizer sparkoperator.k8s.io/run; etl/a: may not patch");
  CHECK(bed.finalizers("etl", "b").empty());
}

}  // namespace
}  // namespace sparkcron
