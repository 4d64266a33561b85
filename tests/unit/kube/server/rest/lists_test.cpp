// Lists: selectors, pages, versions, tables.

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;
using tests::kWidgets;
using tests::widget;

std::vector<std::string> names(const Answer& answer) {
  INFO(answer.text);
  REQUIRE(answer.status == 200);
  std::vector<std::string> result;
  for (const json& item : answer.body["items"])
    result.push_back(item["metadata"]["name"].get<std::string>());
  return result;
}

using Names = std::vector<std::string>;

void fill(InMemoryApi& api) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    json object = config_map(name);
    object["metadata"]["labels"] = {{"name", name}, {"color", *name < 'c' ? "red" : "blue"}};
    REQUIRE(api.post(kConfigMaps, object).status == 201);
  }
}

TEST_CASE("selectors choose") {
  InMemoryApi api;
  fill(api);
  struct Case {
    const char* query;
    Names expected;
  };
  for (const Case& c :
       {Case{"", {"a", "b", "c", "d", "e"}}, Case{"?labelSelector=color=red", {"a", "b"}},
        Case{"?labelSelector=color!=red,name!=c", {"d", "e"}},
        Case{"?labelSelector=name in (a,e),color", {"a", "e"}}, Case{"?labelSelector=!color", {}},
        Case{"?fieldSelector=metadata.name=b", {"b"}},
        Case{"?fieldSelector=metadata.name!=b&labelSelector=color=red", {"a"}}}) {
    DYNAMIC_SECTION(c.query) {
      CHECK(names(api.get(std::string(kConfigMaps) + c.query)) == c.expected);
    }
  }
  const Answer unknown = api.get(std::string(kConfigMaps) + "?fieldSelector=data.x=1");
  CHECK(unknown.status == 400);
  CHECK_THAT(unknown.body["message"].get<std::string>(),
             Catch::Contains("\"data.x\" is not a known field selector"));
}

TEST_CASE("pages of a list show one moment, whatever is written between them") {
  InMemoryApi api;
  fill(api);
  const std::string target = kConfigMaps;
  Answer page = api.get(target + "?limit=2");
  CHECK(names(page) == Names{"a", "b"});
  CHECK(page.body["metadata"]["remainingItemCount"] == 3);
  const json version = page.body["metadata"]["resourceVersion"];
  REQUIRE(api.remove(target + "/c").status == 200);
  REQUIRE(api.post(kConfigMaps, config_map("bb")).status == 201);
  REQUIRE(api.merge(target + "/d", {{"data", {{"x", "new"}}}}).status == 200);
  page =
      api.get(target + "?limit=2&continue=" + page.body["metadata"]["continue"].get<std::string>());
  CHECK(names(page) == Names{"c", "d"});
  CHECK(page.body["metadata"]["resourceVersion"] == version);
  CHECK_FALSE(page.body["items"][1].contains("data"));
  page =
      api.get(target + "?limit=2&continue=" + page.body["metadata"]["continue"].get<std::string>());
  CHECK(names(page) == Names{"e"});
  CHECK_FALSE(page.body["metadata"].contains("continue"));
}

TEST_CASE("a page that was compacted is gone, and its list goes on from the present") {
  InMemoryApi api(":memory:", {.history_revisions = 20});
  fill(api);
  const Answer page = api.get(std::string(kConfigMaps) + "?limit=2");
  for (int i = 0; i < 50; ++i) {
    REQUIRE(api.post(kConfigMaps, config_map("n" + std::to_string(i))).status == 201);
  }
  const Answer next = api.get(std::string(kConfigMaps) + "?limit=2&continue=" +
                              page.body["metadata"]["continue"].get<std::string>());
  CHECK(next.status == 410);
  CHECK(next.body["reason"] == "Expired");
  REQUIRE(api.remove(std::string(kConfigMaps) + "/c").status == 200);
  const Answer rest = api.get(std::string(kConfigMaps) + "?limit=2&continue=" +
                              next.body["metadata"]["continue"].get<std::string>());
  CHECK(names(rest) == Names{"d", "e"});
}

TEST_CASE("resourceVersion in lists") {
  InMemoryApi api;
  fill(api);
  const std::string target = kConfigMaps;
  const auto version = api.get(target).body["metadata"]["resourceVersion"].get<std::string>();
  REQUIRE(api.remove(target + "/a").status == 200);
  CHECK(names(api.get(target + "?resourceVersion=0")).size() == 4);
  CHECK(names(api.get(target + "?resourceVersion=" + version)).size() == 4);
  CHECK(names(api.get(target + "?resourceVersion=" + version + "&resourceVersionMatch=Exact"))
            .size() == 5);
  const Answer future = api.get(target + "?resourceVersion=999999");
  CHECK(future.status == 504);
  CHECK_THAT(future.body["message"].get<std::string>(),
             Catch::Contains("Too large resource version"));
  CHECK(api.get(target + "?resourceVersion=x").status == 400);
  CHECK(api.get(target + "?limit=-1").status == 400);
  CHECK(api.get(target + "?continue=nonsense").status == 400);
}

TEST_CASE("kubectl's tables have the definition's columns") {
  InMemoryApi api;
  api.install_widgets();
  REQUIRE(api.post(kWidgets, widget("a", 7)).status == 201);
  for (const char* target : {kWidgets, "/apis/demo.example.com/v1/namespaces/default/widgets/a"}) {
    const Answer table =
        api.ask({.target = target,
                 .accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"});
    CHECK(table.body["kind"] == "Table");
    CHECK(table.body["apiVersion"] == "meta.k8s.io/v1");
    CHECK(table.body["columnDefinitions"][1]["name"] == "Size");
    CHECK(table.body["rows"][0]["cells"][0] == "a");
    CHECK(table.body["rows"][0]["cells"][1] == 7);
    CHECK(table.body["rows"][0]["object"]["kind"] == "PartialObjectMetadata");
  }
}

TEST_CASE("metadata alone can be asked for") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a", {{"x", "1"}})).status == 201);
  const Answer list =
      api.ask({.target = kConfigMaps,
               .accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"});
  CHECK(list.body["kind"] == "PartialObjectMetadataList");
  CHECK(list.body["items"][0]["metadata"]["name"] == "a");
  CHECK_FALSE(list.body["items"][0].contains("data"));
}

TEST_CASE("events are the same objects in both groups") {
  InMemoryApi api;
  const json event = {{"apiVersion", "events.k8s.io/v1"},
                      {"kind", "Event"},
                      {"metadata", {{"name", "e1"}}},
                      {"regarding", {{"kind", "Pod"}, {"name", "p"}, {"namespace", "default"}}},
                      {"note", "hello"},
                      {"reason", "Tested"},
                      {"type", "Normal"},
                      {"action", "Testing"},
                      {"eventTime", "2026-01-01T00:00:00.000000Z"},
                      {"reportingController", "test"},
                      {"reportingInstance", "t"}};
  const Answer created = api.post("/apis/events.k8s.io/v1/namespaces/default/events", event);
  INFO(created.text);
  REQUIRE(created.status == 201);
  CHECK(created.body["note"] == "hello");
  const Answer core =
      api.get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=p");
  CHECK(names(core) == Names{"e1"});
  CHECK(core.body["items"][0]["message"] == "hello");
  CHECK(core.body["items"][0]["apiVersion"] == "v1");
  CHECK(core.body["items"][0]["reportingComponent"] == "test");
  CHECK(names(api.get("/apis/events.k8s.io/v1/events?fieldSelector=regarding.name=p")) ==
        Names{"e1"});
  CHECK(names(api.get("/apis/events.k8s.io/v1/events?fieldSelector=regarding.name=q")).empty());
}

TEST_CASE("deleting a collection deletes what is selected") {
  InMemoryApi api;
  fill(api);
  const Answer removed =
      api.ask({.method = "DELETE",
               .target = std::string(kConfigMaps) + "?labelSelector=color=red",
               .body = {{"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}},
               .content_type = "application/json; charset=utf-8"});
  CHECK(names(removed) == Names{"a", "b"});
  CHECK(names(api.get(kConfigMaps)) == Names{"c", "d", "e"});
}

}  // namespace
