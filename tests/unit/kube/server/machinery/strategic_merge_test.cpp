#include "kube/server/machinery/strategic_merge.h"

#include <nlohmann/json.hpp>

#include "kube/server/machinery/built_in_schema.h"
#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

Outcome<Json> patch_pod(const std::string& target, const std::string& patch) {
  return strategic_merge_patch(Json::parse(target), Json::parse(patch),
                               *built_in_field_type(kube::pods()));
}

}  // namespace

TEST_CASE("strategic merge patch merges lists by key and obeys its directives") {
  struct Case {
    std::string name;
    std::string target;
    std::string patch;
    std::string result;
  };
  const std::vector<Case> cases = {
      {.name = "an item by its key",
       .target = R"({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}})",
       .patch = R"({"spec": {"containers": [{"name": "a", "image": "2"}]}})",
       .result = R"({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b"}]}})"},
      {.name = "a new item comes first",
       .target = R"({"spec": {"containers": [{"name": "a"}]}})",
       .patch = R"({"spec": {"containers": [{"name": "b", "image": null, "tty": true}]}})",
       .result = R"({"spec": {"containers": [{"name": "b", "tty": true}, {"name": "a"}]}})"},
      {.name = "$patch delete of an item",
       .target = R"({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}})",
       .patch = R"({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}})",
       .result = R"({"spec": {"containers": [{"name": "b"}]}})"},
      {.name = "$patch replace of a list",
       .target = R"({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}})",
       .patch = R"({"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}})",
       .result = R"({"spec": {"containers": [{"name": "c"}]}})"},
      {.name = "$patch replace of a map",
       .target = R"({"metadata": {"labels": {"a": "1"}}})",
       .patch = R"({"metadata": {"labels": {"$patch": "replace", "b": "2"}}})",
       .result = R"({"metadata": {"labels": {"b": "2"}}})"},
      {.name = "env by name, nested",
       .target =
           R"({"spec": {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}})",
       .patch =
           R"({"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]}]}})",
       .result =
           R"({"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]}]}})"},
      {.name = "lists without a key are replaced",
       .target =
           R"({"spec": {"containers": [{"name": "a", "args": ["1", "2"]}], "tolerations": [{"key": "a"}]}})",
       .patch =
           R"({"spec": {"containers": [{"name": "a", "args": ["3"]}], "tolerations": [{"key": "b"}]}})",
       .result =
           R"({"spec": {"containers": [{"name": "a", "args": ["3"]}], "tolerations": [{"key": "b"}]}})"},
      {.name = "scalars merge as a set",
       .target = R"({"metadata": {"finalizers": ["a", "b"]}})",
       .patch = R"({"metadata": {"finalizers": ["b", "c"]}})",
       .result = R"({"metadata": {"finalizers": ["a", "b", "c"]}})"},
      {.name = "$deleteFromPrimitiveList",
       .target = R"({"metadata": {"finalizers": ["a", "b"]}})",
       .patch = R"({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})",
       .result = R"({"metadata": {"finalizers": ["b"]}})"},
      {.name = "$setElementOrder",
       .target = R"({"spec": {"containers": [{"name": "a"}, {"name": "server"}, {"name": "b"}]}})",
       .patch =
           R"({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
                             "containers": [{"name": "c"}]}})",
       .result =
           R"({"spec": {"containers": [{"name": "server"}, {"name": "b"}, {"name": "c"}, {"name": "a"}]}})"},
      {.name = "$retainKeys",
       .target = R"({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}})",
       .patch =
           R"({"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]}})",
       .result = R"({"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}})"},
      {.name = "null removes",
       .target = R"({"spec": {"nodeName": "n", "hostname": "h"}})",
       .patch = R"({"spec": {"nodeName": null}})",
       .result = R"({"spec": {"hostname": "h"}})"},
      {.name = "owners by uid",
       .target = R"({"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}})",
       .patch =
           R"({"metadata": {"ownerReferences": [{"uid": "1", "$patch": "delete"}, {"uid": "2"}]}})",
       .result = R"({"metadata": {"ownerReferences": [{"uid": "2"}]}})"},
      {.name = "conditions by type",
       .target = R"({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})",
       .patch = R"({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})",
       .result = R"({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})"},
      {.name = "empty names are names",
       .target = "{}",
       .patch = R"({"": {"$retainKeys": [], "": null}})",
       .result = R"({"": {}})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto result = patch_pod(one.target, one.patch);
      REQUIRE(result.has_value());
      CHECK(*result == Json::parse(one.result));
      CHECK(patch_pod(result->dump(), one.patch) == Json::parse(one.result));
    }
  }
}

TEST_CASE("a strategic merge patch that makes no sense is refused") {
  CHECK(patch_pod("{}", R"({"spec": {"containers": [{"image": "x"}]}})").error().message ==
        "map: {\"image\":\"x\"} does not contain declared merge key: name");
  CHECK(patch_pod("{}", R"({"spec": {"$patch": "explode"}})").error().message ==
        "unknown patch type 'explode' in map");
  CHECK(patch_pod("{}", "[]").error().code == 400);
  CHECK(patch_pod("{}", R"({"spec": {"$retainKeys": ["a"], "b": 1}})").error().message ==
        "patch contains the key \"b\" that is not in its $retainKeys list");
}
