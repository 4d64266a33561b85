#include "kube/http_api.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/raw_server.h"

namespace {

using base::Code;
using kube::HttpApi;
using kube::Json;
using kube::ObjectKey;
using tests::RawServer;

// Answers in order and keeps the requests.
class Scripted {
 public:
  struct Answer {
    int status = 200;
    std::string body = "{}";
    std::string fields;
  };
  explicit Scripted(std::vector<Answer> answers)
      : answers_(std::move(answers)), server_([this](RawServer::Peer& peer) { serve(peer); }) {}

  HttpApi api() {
    auto client = base::http::Client::create({.base_url = server_.url()});
    REQUIRE(client.has_value());
    return HttpApi(std::move(*client));
  }
  [[nodiscard]] std::string url() const { return server_.url(); }
  // Call once all answers were given.
  [[nodiscard]] const RawServer::Message& request(size_t index) const { return seen_.at(index); }
  [[nodiscard]] std::string first_line(size_t index) const {
    const std::string& head = seen_.at(index).head;
    return head.substr(0, head.find(" HTTP/1.1"));
  }
  [[nodiscard]] size_t count() const { return seen_.size(); }

 private:
  void serve(RawServer::Peer& peer) {
    while (auto message = peer.read()) {
      const size_t index = seen_.size();
      seen_.push_back(std::move(*message));
      if (index >= answers_.size()) return;
      const Answer& answer = answers_[index];
      peer.answer(answer.status, answer.body, answer.fields);
    }
  }
  const std::vector<Answer> answers_;
  std::deque<RawServer::Message> seen_;  // written before the answer that the test waits for
  RawServer server_;
};

TEST_CASE("each verb is the request that a Kubernetes API server expects") {
  const kube::ResourceType apps{"sparkoperator.k8s.io", "v1beta2", "sparkapplications",
                                "SparkApplication", true};
  const Json object = {{"metadata", {{"namespace", "ns"}, {"name", "a"}}}};
  struct Case {
    const char* name;
    std::function<bool(HttpApi&)> act;
    std::string line;
    std::string content_type;
    Json body;
  };
  const Case cases[] = {
      {.name = "get",
       .act = [&](HttpApi& api) { return api.get(apps, {"ns", "a"}).has_value(); },
       .line = "GET /apis/sparkoperator.k8s.io/v1beta2/namespaces/ns/sparkapplications/a",
       .content_type = "",
       .body = nullptr},
      {.name = "get of the cluster's",
       .act = [&](HttpApi& api) { return api.get(kube::nodes(), {"", "n"}).has_value(); },
       .line = "GET /api/v1/nodes/n",
       .content_type = "",
       .body = nullptr},
      {.name = "create",
       .act = [&](HttpApi& api) { return api.create(kube::pods(), object).has_value(); },
       .line = "POST /api/v1/namespaces/ns/pods?fieldManager=sparkcron",
       .content_type = "application/json",
       .body = object},
      {.name = "update of the status",
       .act = [&](HttpApi& api) { return api.update(apps, object, "status").has_value(); },
       .line = "PUT /apis/sparkoperator.k8s.io/v1beta2/namespaces/ns/sparkapplications/a/status"
               "?fieldManager=sparkcron",
       .content_type = "application/json",
       .body = object},
      {.name = "merge patch of the status",
       .act =
           [&](HttpApi& api) {
             return api
                 .patch(kube::pods(), {"ns", "a"}, kube::PatchType::MergePatch, {{"x", 1}},
                        {.subresource = "status"})
                 .has_value();
           },
       .line = "PATCH /api/v1/namespaces/ns/pods/a/status?fieldManager=sparkcron",
       .content_type = "application/merge-patch+json",
       .body = {{"x", 1}}},
      {.name = "json patch",
       .act =
           [&](HttpApi& api) {
             return api.patch(kube::pods(), {"ns", "a"}, kube::PatchType::JsonPatch, Json::array())
                 .has_value();
           },
       .line = "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=sparkcron",
       .content_type = "application/json-patch+json",
       .body = Json::array()},
      {.name = "strategic merge patch",
       .act =
           [&](HttpApi& api) {
             return api.patch(kube::pods(), {"ns", "a"}, kube::PatchType::StrategicMerge, object)
                 .has_value();
           },
       .line = "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=sparkcron",
       .content_type = "application/strategic-merge-patch+json",
       .body = object},
      {.name = "apply",
       .act =
           [&](HttpApi& api) {
             return api
                 .patch(kube::pods(), {"ns", "a"}, kube::PatchType::Apply, object,
                        {.field_manager = "m", .force = true})
                 .has_value();
           },
       .line = "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=m&force=true",
       .content_type = "application/apply-patch+yaml",
       .body = object},
      {.name = "delete",
       .act = [&](HttpApi& api) { return api.remove(kube::pods(), {"ns", "a"}).has_value(); },
       .line = "DELETE /api/v1/namespaces/ns/pods/a",
       .content_type = "application/json",
       .body = {{"apiVersion", "v1"},
                {"kind", "DeleteOptions"},
                {"propagationPolicy", "Background"}}},
      {.name = "delete with preconditions",
       .act =
           [&](HttpApi& api) {
             return api
                 .remove(kube::pods(), {"ns", "a"},
                         {.propagation = kube::Propagation::Foreground,
                          .uid = "u",
                          .resource_version = "7",
                          .grace_period = std::chrono::seconds{0}})
                 .has_value();
           },
       .line = "DELETE /api/v1/namespaces/ns/pods/a",
       .content_type = "application/json",
       .body = {{"apiVersion", "v1"},
                {"kind", "DeleteOptions"},
                {"propagationPolicy", "Foreground"},
                {"preconditions", {{"uid", "u"}, {"resourceVersion", "7"}}},
                {"gracePeriodSeconds", 0}}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Scripted server(std::vector<Scripted::Answer>(1));
      HttpApi api = server.api();
      REQUIRE(c.act(api));
      CHECK(server.first_line(0) == c.line);
      if (c.content_type.empty()) {
        CHECK(server.request(0).body.empty());
      } else {
        CHECK(server.request(0).head.find("Content-Type: " + c.content_type + "\r\n") !=
              std::string::npos);
        CHECK(Json::parse(server.request(0).body) == c.body);
      }
    }
  }
}

TEST_CASE("a page over what the client takes at once is read object by object") {
  const std::string page =
      R"({"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"big"},"x":")" +
      std::string(17 << 20, 'x') +
      R"("},{"metadata":{"name":"b"}}],"metadata":{"resourceVersion":"5"}})";
  Scripted server({{.status = 200, .body = page}, {.status = 200, .body = page}});
  auto client = base::http::Client::create({.base_url = server.url(), .max_response = 1 << 20});
  REQUIRE(client.has_value());
  HttpApi api(std::move(*client));
  const auto list = api.list(kube::pods(), {.ns = "n"});
  REQUIRE(list.has_value());
  REQUIRE(list->items.size() == 2);
  CHECK(kube::key_of(list->items[1]).name == "b");
  REQUIRE(list->unreadable.size() == 1);
  CHECK(list->unreadable[0].key.name == "big");
  CHECK(list->resource_version == "5");
}

TEST_CASE("what cannot be an address is refused before it is sent") {
  Scripted server(std::vector<Scripted::Answer>{});
  HttpApi api = server.api();
  CHECK(api.get(kube::pods(), {"ns", "a/../b"}).error().message ==
        "\"a/../b\" is no name of a Pod");
  // What cannot exist is not there: an application whose driver.podName was "a/b" can be deleted.
  for (const char* name : {"a/b", "a%2fb", ".", "..", "", "a\nb"}) {
    INFO(name);
    CHECK(api.get(kube::pods(), {"ns", name}).error().code == Code::NotFound);
    CHECK(api.remove(kube::pods(), {"ns", name}).error().code == Code::NotFound);
  }
  CHECK(api.get(kube::pods(), {"ns", ""}).error().message == "\"\" is no name of a Pod");
  CHECK(api.get(kube::pods(), {"", "a"}).error().message == "Pod \"a\" needs a namespace");
  CHECK(api.get(kube::pods(), {"..", "a"}).error().message == "\"..\" is no name of a namespace");
  CHECK(api.create(kube::pods(), {{"metadata", {{"name", "a"}}}}).error().code ==
        Code::InvalidArgument);
  CHECK(server.count() == 0);
}

TEST_CASE("a name with a question mark stays a name") {
  Scripted server({{.status = 200, .body = "{}"}});
  HttpApi api = server.api();
  CHECK(api.get(kube::pods(), {"ns", "a?b#c"}).has_value());
  CHECK(server.first_line(0) == "GET /api/v1/namespaces/ns/pods/a%3Fb%23c");
}

TEST_CASE("a refusal comes back as the server put it") {
  Scripted server(
      {{.status = 409,
        .body =
            R"({"kind":"Status","reason":"AlreadyExists","message":"pods \"a\" already exists"})"},
       {.status = 429,
        .body = R"({"kind":"Status","message":"slow"})",
        .fields = "Retry-After: 5\r\n"}});
  HttpApi api = server.api();
  const auto created =
      api.create(kube::pods(), {{"metadata", {{"namespace", "n"}, {"name", "a"}}}});
  REQUIRE_FALSE(created.has_value());
  CHECK(created.error().code == Code::AlreadyExists);
  CHECK(created.error().message == "pods \"a\" already exists");
  const auto watch = api.watch(kube::pods(), {});
  REQUIRE_FALSE(watch.has_value());
  CHECK(watch.error().code == Code::ResourceExhausted);
  CHECK(watch.error().retry_after == std::chrono::seconds{5});
}

TEST_CASE("what was written comes back without managedFields, what is read has them") {
  const std::string stored =
      R"({"metadata": {"name": "a", "managedFields": [{"manager": "m"}], "uid": "u"}})";
  Scripted server({{.status = 201, .body = stored}, {.status = 200, .body = stored}});
  HttpApi api = server.api();
  const Json pod = {{"metadata", {{"namespace", "n"}, {"name", "a"}}}};
  CHECK(api.create(kube::pods(), pod).value().dump() == R"({"metadata":{"name":"a","uid":"u"}})");
  CHECK(api.get(kube::pods(), {"n", "a"}).value()["metadata"].contains("managedFields"));
}

std::string page(const std::string& names, const std::string& token) {
  Json items = Json::array();
  for (const char name : names)
    items.push_back({{"metadata", {{"name", std::string(1, name)}}}});
  return Json{{"metadata", {{"resourceVersion", "42"}, {"continue", token}}}, {"items", items}}
      .dump();
}

TEST_CASE(
    "what a server says beside its answer is passed on, and unknown fields are its business") {
  Scripted server({{.status = 201,
                    .body = R"({"metadata": {"name": "a"}})",
                    .fields = "Warning: 299 - \"unknown field \\\"spec.a\\\"\"\r\n"
                              "warning: 299 - \"b\"\r\nX-Warning: 299 - \"c\"\r\n"}});
  auto client = base::http::Client::create({.base_url = server.url()});
  REQUIRE(client.has_value());
  std::vector<std::string> said;
  HttpApi api(std::move(*client),
              {.field_validation = "Strict",
               .on_warning = [&](const std::string& text) { said.push_back(text); }});
  REQUIRE(api.create(kube::config_maps(), {{"metadata", {{"namespace", "ns"}, {"name", "a"}}}}));
  CHECK(server.first_line(0) ==
        "POST /api/v1/namespaces/ns/configmaps?fieldManager=sparkcron&fieldValidation=Strict");
  CHECK(said == std::vector<std::string>{"unknown field \"spec.a\"", "b"});
}

TEST_CASE("a list pages by itself") {
  Scripted server({{.body = page("ab", "t1")}, {.body = page("c", "")}});
  HttpApi api = server.api();
  const auto list = api.list(kube::pods(), {.ns = "ns",
                                            .label_selector = "a=b",
                                            .field_selector = "metadata.name=x",
                                            .resource_version = "0"});
  REQUIRE(list.has_value());
  CHECK(list->resource_version == "42");
  REQUIRE(list->items.size() == 3);
  CHECK(list->items[2] ==
        Json{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "c"}}}});
  CHECK(server.first_line(0) ==
        "GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db&fieldSelector=metadata.name%3Dx"
        "&limit=500&resourceVersion=0");
  CHECK(server.first_line(1) ==
        "GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db&fieldSelector=metadata.name%3Dx"
        "&limit=500&continue=t1");
}

TEST_CASE("a list whose pages expire is asked for in one piece") {
  Scripted server({{.body = page("ab", "t1")},
                   {.status = 410, .body = R"({"kind":"Status","reason":"Expired"})"},
                   {.body = page("abc", "")}});
  HttpApi api = server.api();
  const auto list = api.list(kube::pods(), {});
  REQUIRE(list.has_value());
  CHECK(list->items.size() == 3);
  CHECK(server.first_line(2) == "GET /api/v1/pods");
}

TEST_CASE("a limit ends the list early") {
  Scripted server({{.body = page("ab", "t1")}});
  HttpApi api = server.api();
  const auto list = api.list(kube::pods(), {.limit = 2});
  REQUIRE(list.has_value());
  CHECK(list->items.size() == 2);
  CHECK(server.first_line(0) == "GET /api/v1/pods?limit=2");
}

std::unique_ptr<kube::Watch> watch_of(HttpApi& api) {
  auto watch = api.watch(kube::pods(), {.ns = "ns", .resource_version = "7"});
  REQUIRE(watch.has_value());
  return std::move(*watch);
}

HttpApi api_of(const RawServer& server, std::stop_token stop = {}) {
  auto client = base::http::Client::create({.base_url = server.url()});
  REQUIRE(client.has_value());
  return HttpApi(std::move(*client), {.stop = std::move(stop)});
}

TEST_CASE("a watch from nowhere begins with what there is") {
  Scripted server({{.body = ""}});
  HttpApi api = server.api();
  REQUIRE(api.watch(kube::pods(), {.ns = "ns"}).has_value());
  CHECK(server.first_line(0).find("sendInitialEvents=true&resourceVersionMatch=NotOlderThan") !=
        std::string::npos);
}

TEST_CASE("a watch gives events until the server ends it") {
  std::string line;
  RawServer server([&](RawServer::Peer& peer) {
    line = peer.read()->head;
    peer.start_chunked();
    peer.chunk(R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})");
    peer.chunk("\n");
    peer.chunk("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n");
    peer.chunk("");
  });
  HttpApi api = api_of(server);
  auto watch = watch_of(api);
  auto first = watch->next();
  REQUIRE((first.has_value() && first->has_value()));
  CHECK((*first)->type == kube::WatchEvent::Type::Added);
  CHECK((*first)->object.key().name == "a");
  auto second = watch->next();
  REQUIRE((second.has_value() && second->has_value()));
  CHECK((*second)->type == kube::WatchEvent::Type::Bookmark);
  const auto end = watch->next();
  REQUIRE(end.has_value());
  CHECK_FALSE(end->has_value());
  CHECK(line.starts_with(
      "GET /api/v1/namespaces/ns/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds="));
  CHECK(line.find("&resourceVersion=7 ") != std::string::npos);
}

TEST_CASE("a watch that breaks says how") {
  struct Case {
    const char* name;
    RawServer::Script script;
    Code code;
  };
  const Case cases[] = {
      {.name = "410 instead of a stream",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.answer(410, R"({"kind":"Status","reason":"Expired","message":"too old"})");
           },
       .code = Code::Gone},
      {.name = "410 in the stream",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.start_chunked();
             peer.chunk("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n");
             peer.chunk("");
           },
       .code = Code::Gone},
      {.name = "cut inside an event",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.start_chunked();
             peer.chunk("{\"type\":\"ADD");
             peer.chunk("");
           },
       .code = Code::Unavailable},
      {.name = "cut off",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.start_chunked();
           },
       .code = Code::Unavailable},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      RawServer server(c.script);
      HttpApi api = api_of(server);
      auto watch = api.watch(kube::pods(), {.ns = "ns"});
      const base::Error error = watch ? (*watch)->next().error() : watch.error();
      CHECK(error.code == c.code);
    }
  }
}

TEST_CASE("the stop token ends watches") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    peer.await_close();
  });
  std::stop_source stop;
  HttpApi api = api_of(server, stop.get_token());
  auto watch = watch_of(api);
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK(watch->next().error().code == Code::Cancelled);
  CHECK(api.get(kube::pods(), {"ns", "a"}).error().code == Code::Cancelled);
}

TEST_CASE("logs come as they are written") {
  Scripted server(
      {{.body = "one\ntwo\n"},
       {.status = 404, .body = R"({"kind":"Status","message":"pods \"b\" not found"})"}});
  HttpApi api = server.api();
  auto logs = api.logs({"ns", "a"}, {.container = "c", .follow = true, .tail_lines = 10});
  REQUIRE(logs.has_value());
  CHECK((*logs)->read().value() == "one\ntwo\n");
  CHECK_FALSE((*logs)->read().value().has_value());
  CHECK(server.first_line(0) ==
        "GET /api/v1/namespaces/ns/pods/a/log?container=c&follow=true&tailLines=10");
  CHECK(api.logs({"ns", "b"}, {}).error().message == "pods \"b\" not found");
}

}  // namespace
