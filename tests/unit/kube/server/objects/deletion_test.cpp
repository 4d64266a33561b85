#include "kube/server/objects/deletion.h"

#include "kube/server/types/built_ins.h"
#include "tests/support/catch.h"

namespace kube::server::objects {
namespace {

using nlohmann::json;

constexpr base::WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

const types::Resource& resource(const std::string& plural) {
  static const auto all = types::built_ins();
  for (const auto& one : all) {
    if (one->type.plural == plural) return *one;
  }
  FAIL("no such resource: " + plural);
  return *all.front();
}

json pod(const std::string& node, const std::string& phase) {
  json object = {
      {"metadata", {{"name", "p"}}}, {"spec", json::object()}, {"status", {{"phase", phase}}}};
  if (!node.empty()) object["spec"]["nodeName"] = node;
  return object;
}

TEST_CASE("when a pod goes") {
  struct Case {
    const char* what;
    json object;
    std::optional<int64_t> grace;
    DeletionStep step;
    int64_t left;
  };
  json deleting = pod("n", "Running");
  deleting["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:30Z";
  deleting["metadata"]["deletionGracePeriodSeconds"] = 30;
  for (const Case& c : {
           Case{"not bound: at once", pod("", "Pending"), std::nullopt, DeletionStep::Remove, 0},
           Case{"ended: at once", pod("n", "Succeeded"), std::nullopt, DeletionStep::Remove, 0},
           Case{"running: its node says when", pod("n", "Running"), std::nullopt,
                DeletionStep::Mark, 30},
           Case{"running, less time", pod("n", "Running"), 5, DeletionStep::Mark, 5},
           Case{"running, forced", pod("n", "Running"), 0, DeletionStep::Remove, 0},
           Case{"again: nothing new", deleting, std::nullopt, DeletionStep::Nothing, 30},
           Case{"again, sooner", deleting, 3, DeletionStep::Mark, 3},
           Case{"again, later: stays", deleting, 300, DeletionStep::Nothing, 30},
           Case{"the node's last word", deleting, 0, DeletionStep::Remove, 0},
       }) {
    DYNAMIC_SECTION(c.what) {
      json object = c.object;
      CHECK(plan_deletion(resource("pods"), object, std::nullopt, c.grace, kNow) == c.step);
      if (c.step != DeletionStep::Remove) {
        CHECK(object["metadata"]["deletionGracePeriodSeconds"] == c.left);
      }
    }
  }
}

TEST_CASE("what holds an object") {
  json plain = {{"metadata", {{"name", "a"}}}};
  json object = plain;
  CHECK(plan_deletion(resource("configmaps"), object, std::nullopt, std::nullopt, kNow) ==
        DeletionStep::Remove);
  object = plain;
  CHECK(plan_deletion(resource("configmaps"), object, kube::Propagation::Foreground, std::nullopt,
                      kNow) == DeletionStep::Mark);
  CHECK(object["metadata"]["finalizers"] == json::array({kForegroundFinalizer}));
  CHECK(object["metadata"]["deletionTimestamp"] == "2026-11-21T00:00:00Z");
  object = plain;
  CHECK(plan_deletion(resource("configmaps"), object, kube::Propagation::Orphan, std::nullopt,
                      kNow) == DeletionStep::Mark);
  CHECK(object["metadata"]["finalizers"] == json::array({kOrphanFinalizer}));
  object = plain;
  CHECK(plan_deletion(resource("namespaces"), object, std::nullopt, std::nullopt, kNow) ==
        DeletionStep::Mark);
  CHECK(object["status"]["phase"] == "Terminating");
}

}  // namespace
}  // namespace kube::server::objects
