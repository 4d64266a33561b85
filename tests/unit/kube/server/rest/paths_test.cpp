// What paths, Accept headers and continue tokens mean.

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/server/rest/continuation.h"
#include "kube/server/rest/documents.h"
#include "kube/server/rest/negotiation.h"
#include "kube/server/rest/request_info.h"
#include "kube/server/types/built_ins.h"
#include "kube/server/types/catalog.h"
#include "tests/support/catch.h"

namespace kube::server::rest {
namespace {

TEST_CASE("paths") {
  struct Case {
    const char* path;
    RequestInfo expected;
  };
  for (const Case& c : {
           Case{"/api", {}},
           Case{"/api/v1", {.version = "v1"}},
           Case{"/apis/g", {.group = "g"}},
           Case{"/apis/g/v", {.group = "g", .version = "v"}},
           Case{"/api/v1/pods", {.version = "v1", .plural = "pods"}},
           Case{"/api/v1/nodes/n", {.version = "v1", .plural = "nodes", .name = "n"}},
           Case{"/api/v1/namespaces/a/pods/p/log",
                {.version = "v1", .ns = "a", .plural = "pods", .name = "p", .subresource = "log"}},
           Case{"/apis/g/v/namespaces/a/things",
                {.group = "g", .version = "v", .ns = "a", .plural = "things"}},
           Case{"/api/v1/namespaces", {.version = "v1", .plural = "namespaces"}},
           Case{"/api/v1/namespaces/a", {.version = "v1", .plural = "namespaces", .name = "a"}},
           Case{"/api/v1/namespaces/a/status",
                {.version = "v1", .plural = "namespaces", .name = "a", .subresource = "status"}},
           Case{"/api/v1/watch/pods", {.version = "v1", .plural = "pods", .watch = true}},
           Case{"/api/v1/watch/namespaces/a/pods/p",
                {.version = "v1", .ns = "a", .plural = "pods", .name = "p", .watch = true}},
           Case{"//api//v1/pods/", {.version = "v1", .plural = "pods"}},
       }) {
    DYNAMIC_SECTION(c.path) {
      const auto info = parse_path(c.path);
      REQUIRE(info);
      CHECK(info->group == c.expected.group);
      CHECK(info->version == c.expected.version);
      CHECK(info->ns == c.expected.ns);
      CHECK(info->plural == c.expected.plural);
      CHECK(info->name == c.expected.name);
      CHECK(info->subresource == c.expected.subresource);
      CHECK(info->watch == c.expected.watch);
    }
  }
  for (const char* path : {"", "/", "/metrics", "/api/v1/pods/p/log/more",
                           "/api/v1/namespaces/a/pods/p/log/more/and/more"}) {
    DYNAMIC_SECTION("no path of the API: " << path) {
      CHECK_FALSE(parse_path(path));
    }
  }
}

TEST_CASE("Accept headers") {
  struct Case {
    const char* accept;
    std::optional<Form> form;
  };
  for (const Case& c : {
           Case{"", Form::Json},
           Case{"*/*", Form::Json},
           Case{"application/json, */*", Form::Json},
           Case{"application/vnd.kubernetes.protobuf,application/json", Form::Json},
           Case{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Form::Table},
           Case{"application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Form::Json},
           Case{"application/json; as=PartialObjectMetadata; g=meta.k8s.io; v=v1", Form::Metadata},
           Case{"application/yaml", Form::Json},
           Case{"application/yaml;as=Table;v=v1;g=meta.k8s.io", std::nullopt},
           Case{"application/vnd.kubernetes.protobuf", std::nullopt},
           Case{"text/html", std::nullopt},
       }) {
    DYNAMIC_SECTION("Accept " << c.accept) {
      const auto got = negotiate(c.accept);
      CHECK(got.has_value() == c.form.has_value());
      if (got) CHECK(got->form == *c.form);
    }
  }
  CHECK(negotiate("application/yaml, application/json")->syntax == Syntax::Yaml);
  CHECK(negotiate("application/json, application/yaml")->syntax == Syntax::Json);
  CHECK(aggregated_discovery_version(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/"
            "json") == "v2");
  CHECK(aggregated_discovery_version("application/json").empty());
}

TEST_CASE("continue tokens come back as they went, and nothing else is taken for one") {
  const auto back = decode_continuation(encode({.revision = 42, .ns = "a", .name = "b.c"}));
  REQUIRE(back);
  CHECK(back->revision == 42);
  CHECK(back->ns == "a");
  CHECK(back->name == "b.c");
  for (const char* token : {"", "x", "5", "5/a", "-2/a/b", "x/a/b", "99999999999999999999/a/b"}) {
    CHECK_FALSE(decode_continuation(token));
  }
}

class StatusOnly final : public base::http::Responder {
 public:
  void send(base::http::Response response) override { status = response.status; }
  std::shared_ptr<base::http::Stream> stream(int, base::http::Headers) override { return nullptr; }
  [[nodiscard]] bool wants_websocket() const override { return false; }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return nullptr; }
  int status = 0;
};

TEST_CASE("however a path is spelled, its document is kept once") {
  const auto catalog = std::make_shared<const types::Catalog>(types::built_ins());
  Documents documents;
  std::string slashes;
  for (int i = 0; i < 50; ++i) {
    slashes += "/";
    for (const char* rest : {"api", "v1"}) {
      const std::string path = *rest == 'a' ? slashes + "openapi/v3" + slashes + "api/v1"
                                            : "/api" + slashes + "v1" + slashes;
      StatusOnly responder;
      base::http::Request request{
          .method = "GET", .path = path, .query = {}, .headers = {}, .body = {}, .peer = {}};
      CHECK(documents.answer(catalog, request, responder));
      CHECK(responder.status == 200);
    }
  }
  CHECK(documents.size() == 2);
}

}  // namespace
}  // namespace kube::server::rest
