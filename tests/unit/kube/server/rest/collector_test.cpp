// What goes when its owner, its namespace or its definition goes.

#include "kube/object.h"
#include "kube/server/storage/object_store.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;
using tests::kWidgets;
using tests::widget;

std::string map(const std::string& name) {
  return std::string(kConfigMaps) + "/" + name;
}

json owned(const std::string& name, std::vector<json> owners) {
  json object = config_map(name);
  for (const json& owner : owners) {
    object["metadata"]["ownerReferences"].push_back({{"apiVersion", "v1"},
                                                     {"kind", "ConfigMap"},
                                                     {"name", owner["metadata"]["name"]},
                                                     {"uid", owner["metadata"]["uid"]},
                                                     {"blockOwnerDeletion", true}});
  }
  return object;
}

TEST_CASE("dependents follow their owner, and theirs follow them") {
  InMemoryApi api;
  const json owner = api.post(kConfigMaps, config_map("owner")).body;
  const json child = api.post(kConfigMaps, owned("child", {owner})).body;
  REQUIRE(api.post(kConfigMaps, owned("grandchild", {child})).status == 201);
  REQUIRE(api.remove(map("owner"), {{"propagationPolicy", "Background"}}).status == 200);
  api.await_status(map("child"), 404);
  api.await_status(map("grandchild"), 404);
  CHECK(api.get(map("owner")).status == 404);
}

TEST_CASE("a collector that is too far behind to hear what happened looks at everything") {
  InMemoryApi api(":memory:", {.collector_backlog = 1});
  const json owner = api.post(kConfigMaps, config_map("owner")).body;
  const json child = api.post(kConfigMaps, owned("child", {owner})).body;
  REQUIRE(api.post(kConfigMaps, owned("grandchild", {child})).status == 201);
  REQUIRE(api.remove(map("owner"), {{"propagationPolicy", "Foreground"}}).status == 200);
  api.await_status(map("owner"), 404);
  api.await_status(map("child"), 404);
  api.await_status(map("grandchild"), 404);
  const std::string ns = "/api/v1/namespaces/other";
  REQUIRE(api.post("/api/v1/namespaces", {{"metadata", {{"name", "other"}}}}).status == 201);
  REQUIRE(api.post(ns + "/configmaps", {{"metadata", {{"name", "a"}}}}).status == 201);
  REQUIRE(api.remove(ns).status == 200);
  api.await_status(ns, 404);
}

TEST_CASE("an object with another owner stays and forgets the one that went") {
  InMemoryApi api;
  const json first = api.post(kConfigMaps, config_map("first")).body;
  const json second = api.post(kConfigMaps, config_map("second")).body;
  REQUIRE(api.post(kConfigMaps, owned("child", {first, second})).status == 201);
  REQUIRE(api.remove(map("first")).status == 200);
  while (api.get(map("child")).body["metadata"]["ownerReferences"].size() != 1) {
    std::this_thread::yield();
  }
  CHECK(api.get(map("child")).body["metadata"]["ownerReferences"][0]["name"] == "second");
}

TEST_CASE("an object created for an owner that is already gone goes") {
  InMemoryApi api;
  const json owner = api.post(kConfigMaps, config_map("owner")).body;
  REQUIRE(api.remove(map("owner")).status == 200);
  REQUIRE(api.post(kConfigMaps, owned("late", {owner})).status == 201);
  api.await_status(map("late"), 404);
}

TEST_CASE("in the foreground the owner goes last") {
  InMemoryApi api;
  const json owner = api.post(kConfigMaps, config_map("owner")).body;
  json child = owned("child", {owner});
  child["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(kConfigMaps, child).status == 201);
  const Answer removed = api.remove(map("owner"), {{"propagationPolicy", "Foreground"}});
  CHECK(removed.body["metadata"]["finalizers"][0] == "foregroundDeletion");
  while (!api.get(map("child")).body["metadata"].contains("deletionTimestamp")) {
    std::this_thread::yield();
  }
  CHECK(api.get(map("owner")).status == 200);
  REQUIRE(api.merge(map("child"), {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  api.await_status(map("owner"), 404);
  CHECK(api.get(map("child")).status == 404);
}

// Makes `owner` an owner of `object`, which exists.
void adopt(InMemoryApi& api, const json& object, const json& owner) {
  const std::string name = kube::key_of(object).name;
  REQUIRE(api.merge(map(name),
                    {{"metadata",
                      {{"ownerReferences", owned(name, {owner})["metadata"]["ownerReferences"]}}}})
              .status == 200);
}

TEST_CASE("owners in a circle go in the foreground, at once or one by one") {
  for (const size_t length : {size_t{1}, size_t{2}, size_t{3}}) {
    for (const bool each : {false, true}) {
      DYNAMIC_SECTION(length << " of them, " << (each ? "all" : "one") << " deleted") {
        InMemoryApi api;
        std::vector<json> circle;
        for (size_t i = 0; i < length; ++i)
          circle.push_back(api.post(kConfigMaps, config_map("c" + std::to_string(i))).body);
        for (size_t i = 0; i < length; ++i)
          adopt(api, circle[i], circle[(i + 1) % length]);
        for (size_t i = 0; i < (each ? length : 1); ++i) {
          const int status =
              api.remove(map("c" + std::to_string(i)), {{"propagationPolicy", "Foreground"}})
                  .status;
          CHECK((status == 200 || status == 404));
        }
        for (size_t i = 0; i < length; ++i)
          api.await_status(map("c" + std::to_string(i)), 404);
      }
    }
  }
}

TEST_CASE("a circle of owners still waits for what is outside of it") {
  InMemoryApi api;
  const json first = api.post(kConfigMaps, config_map("first")).body;
  const json second = api.post(kConfigMaps, owned("second", {first})).body;
  adopt(api, first, second);
  json held = owned("held", {first});
  held["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(kConfigMaps, held).status == 201);
  REQUIRE(api.remove(map("first"), {{"propagationPolicy", "Foreground"}}).status == 200);
  while (!api.get(map("held")).body["metadata"].contains("deletionTimestamp"))
    std::this_thread::yield();
  CHECK(api.get(map("first")).status == 200);
  REQUIRE(api.merge(map("held"), {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  api.await_status(map("first"), 404);
  api.await_status(map("second"), 404);
}

TEST_CASE("orphans stay and forget their owner") {
  InMemoryApi api;
  const json owner = api.post(kConfigMaps, config_map("owner")).body;
  REQUIRE(api.post(kConfigMaps, owned("child", {owner})).status == 201);
  REQUIRE(api.remove(map("owner"), {{"propagationPolicy", "Orphan"}}).status == 200);
  api.await_status(map("owner"), 404);
  CHECK_FALSE(api.get(map("child")).body["metadata"].contains("ownerReferences"));
}

TEST_CASE("a namespace goes with all that is in it") {
  InMemoryApi api;
  api.install_widgets();
  REQUIRE(api.post("/api/v1/namespaces", {{"metadata", {{"name", "n"}}}}).status == 201);
  const std::string maps = "/api/v1/namespaces/n/configmaps";
  const std::string widgets = "/apis/demo.example.com/v1/namespaces/n/widgets";
  json held = config_map("held");
  held["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(maps, held).status == 201);
  REQUIRE(api.post(widgets, widget("w")).status == 201);
  const Answer removed = api.remove("/api/v1/namespaces/n");
  CHECK(removed.body["status"]["phase"] == "Terminating");
  api.await_status(widgets + "/w", 404);
  const Answer refused = api.post(maps, config_map("new"));
  CHECK(refused.status == 403);
  CHECK(refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating");
  CHECK(api.get("/api/v1/namespaces/n").status == 200);
  REQUIRE(api.merge(maps + "/held", {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  api.await_status("/api/v1/namespaces/n", 404);
}

TEST_CASE("an object that a later rule would refuse can still go") {
  InMemoryApi api;
  api.install_widgets();
  json held = widget("held");
  held["spec"]["size"] = 7;
  held["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(kWidgets, held).status == 201);
  api.limit_widgets_to(1);
  const std::string target = std::string(kWidgets) + "/held";
  REQUIRE(api.remove(target).status == 200);
  CHECK(api.merge(target, {{"spec", {{"size", 8}}}}).status == 422);
  CHECK(api.merge(target, {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  api.await_status(target, 404);
}

TEST_CASE("a definition goes after its objects") {
  InMemoryApi api;
  api.install_widgets();
  json held = widget("held");
  held["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(kWidgets, held).status == 201);
  REQUIRE(api.post(kWidgets, widget("free")).status == 201);
  const std::string definition =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example.com";
  REQUIRE(api.remove(definition).status == 200);
  api.await_status(std::string(kWidgets) + "/free", 404);
  CHECK(api.post(kWidgets, widget("new")).status == 405);
  REQUIRE(api.merge(std::string(kWidgets) + "/held", {{"metadata", {{"finalizers", nullptr}}}})
              .status == 200);
  api.await_status(definition, 404);
  // Routes follow the definitions, a moment later.
  api.await_status(kWidgets, 404);
}

TEST_CASE("what a crash left half collected is finished at the next start") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  json owner;
  {
    InMemoryApi api(path);
    owner = api.post(kConfigMaps, config_map("owner")).body;
    REQUIRE(api.post(kConfigMaps, owned("child", {owner})).status == 201);
  }
  {
    // The owner's row of deletion is all that a crash left.
    auto store = kube::server::storage::ObjectStore::open(
        {.path = path, .indexed = [](const auto&, const json& object) {
           kube::server::storage::IndexedFields indexed;
           indexed.uid = object["metadata"]["uid"].get<std::string>();
           return indexed;
         }});
    REQUIRE(store);
    const kube::server::storage::Key key{
        .resource = "configmaps", .ns = "default", .name = "owner"};
    REQUIRE((*store)->write({.change = kube::server::storage::Change::Deleted,
                             .key = key,
                             .expected = (*store)->get(key)->revision}));
  }
  InMemoryApi api(path);
  api.await_status(map("child"), 404);
}

}  // namespace
