// Watches as clients open them.

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

std::string line(const json& event) {
  return event["type"].get<std::string>() + " " +
         event["object"]["metadata"]["name"].get<std::string>();
}

json labelled(const std::string& name, const std::string& color) {
  json object = config_map(name);
  object["metadata"]["labels"] = {{"color", color}};
  return object;
}

std::string watching(const std::string& collection, const std::string& query = "") {
  return collection + "?watch=true" + (query.empty() ? "" : "&" + query);
}

TEST_CASE("a watch without a revision begins with ADDED for what exists") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  const std::string query = GENERATE("", "resourceVersion=0");
  const Answer watch = api.get(watching(kConfigMaps, query));
  REQUIRE(watch.stream);
  CHECK(line(watch.stream->await(1)[0]) == "ADDED a");
  REQUIRE(api.merge(std::string(kConfigMaps) + "/a", {{"data", {{"x", "1"}}}}).status == 200);
  REQUIRE(api.remove(std::string(kConfigMaps) + "/a").status == 200);
  const auto events = watch.stream->await(3);
  CHECK(line(events[1]) == "MODIFIED a");
  CHECK(line(events[2]) == "DELETED a");
  CHECK(events[2]["object"]["data"]["x"] == "1");
}

TEST_CASE("an object that enters or leaves the selection is added or deleted") {
  InMemoryApi api;
  const Answer watch =
      api.get(watching(kConfigMaps, "allowWatchBookmarks=true&labelSelector=color=red"));
  // The end of what was there: from here on it hears of everything.
  CHECK(watch.stream->await(1)[0]["type"] == "BOOKMARK");
  const std::string target = std::string(kConfigMaps) + "/a";
  REQUIRE(api.post(kConfigMaps, labelled("a", "blue")).status == 201);
  REQUIRE(api.merge(target, {{"metadata", {{"labels", {{"color", "red"}}}}}}).status == 200);
  const json left = api.merge(target, {{"metadata", {{"labels", {{"color", "blue"}}}}}}).body;
  REQUIRE(api.post(kConfigMaps, labelled("b", "red")).status == 201);
  const auto events = watch.stream->await(4);
  CHECK(line(events[1]) == "ADDED a");
  CHECK(line(events[2]) == "DELETED a");
  CHECK(events[2]["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]);
  CHECK(events[2]["object"]["metadata"]["labels"]["color"] == "red");
  CHECK(line(events[3]) == "ADDED b");
}

TEST_CASE("a watch from an old or a foreign revision gets 410 in the stream") {
  InMemoryApi api(":memory:", {.history_revisions = 20});
  for (int i = 0; i < 60; ++i) {
    REQUIRE(api.post(kConfigMaps, config_map("n" + std::to_string(i))).status == 201);
  }
  const std::string version = GENERATE("1", "999999");
  const Answer watch = api.get(watching(kConfigMaps, "resourceVersion=" + version));
  CHECK(watch.status == 200);
  const json event = json::parse(watch.stream->await_end());
  CHECK(event["type"] == "ERROR");
  CHECK(event["object"]["code"] == 410);
}

TEST_CASE("an upgrade is answered with a WebSocket, and only for a watch") {
  InMemoryApi api;
  const Answer watch = api.ask({.target = watching(kConfigMaps), .websocket = true});
  CHECK(watch.status == 101);
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  CHECK(line(watch.stream->await(1)[0]) == "ADDED a");
  CHECK(api.ask({.target = kConfigMaps, .websocket = true}).status == 400);
}

TEST_CASE("a watch ends when its time is over") {
  InMemoryApi api;
  const Answer watch = api.get(watching(kConfigMaps, "timeoutSeconds=5"));
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  watch.stream->await(1);
  api.clock.await_waiters(2);  // the hub and the housekeeping
  api.clock.advance(std::chrono::seconds(6));
  CHECK(json::parse(watch.stream->await_end())["type"] == "ADDED");
}

TEST_CASE("tables are watched as tables, with the columns said once") {
  InMemoryApi api;
  api.install_widgets();
  const Answer watch = api.ask(
      {.target = watching(kWidgets), .accept = "application/json;as=Table;v=v1;g=meta.k8s.io"});
  REQUIRE(api.post(kWidgets, widget("a", 3)).status == 201);
  REQUIRE(api.post(kWidgets, widget("b", 4)).status == 201);
  const auto events = watch.stream->await(2);
  CHECK(events[0]["object"]["columnDefinitions"].size() == 2);
  CHECK(events[0]["object"]["rows"][0]["cells"][1] == 3);
  CHECK((!events[1]["object"].contains("columnDefinitions") ||
         events[1]["object"]["columnDefinitions"].empty()));
  CHECK(events[1]["object"]["rows"][0]["cells"][0] == "b");
}

TEST_CASE("bookmarks come every minute and mark the end of what existed") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  // Whoever begins with what exists is told where that ends, asked for by name or not.
  const std::string begin =
      GENERATE("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", "resourceVersion=0", "");
  const Answer watch = api.get(watching(kConfigMaps, "allowWatchBookmarks=true&" + begin));
  auto events = watch.stream->await(2);
  CHECK(events[1]["type"] == "BOOKMARK");
  CHECK(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true");
  api.clock.await_waiters(2);  // the hub and the housekeeping
  api.clock.advance(std::chrono::seconds(61));
  events = watch.stream->await(3);
  CHECK(events[2]["type"] == "BOOKMARK");
  CHECK(events[2]["object"]["kind"] == "ConfigMap");
}

TEST_CASE("the old paths of watches still lead there") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  REQUIRE(api.post(kConfigMaps, config_map("b")).status == 201);
  const Answer watch = api.get("/api/v1/watch/namespaces/default/configmaps/b");
  REQUIRE(watch.stream);
  CHECK(line(watch.stream->await(1)[0]) == "ADDED b");
  CHECK(api.remove("/api/v1/watch/namespaces/default/configmaps/b").status == 404);
}

TEST_CASE("stopping ends watches") {
  InMemoryApi api;
  const Answer watch = api.get(watching(kConfigMaps));
  api.server->begin_stop();
  CHECK(watch.stream->await_end().empty());
}

TEST_CASE("a closed watch is forgotten") {
  InMemoryApi api;
  const Answer watch = api.get(watching(kConfigMaps));
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  watch.stream->await(1);
  watch.stream->close();
  // The hub takes note on its own thread: another event makes it look again.
  while (api.server->numbers().watches != 0) {
    REQUIRE(api.merge(std::string(kConfigMaps) + "/a", {{"data", {{"x", "1"}}}}).status == 200);
  }
  CHECK(api.server->numbers().watches == 0);
}

}  // namespace
