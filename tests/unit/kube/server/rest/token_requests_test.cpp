// Tokens of service accounts: what they open, and what ends them.

#include <chrono>

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::InMemoryApi;

const std::string kAccounts = "/api/v1/namespaces/default/serviceaccounts";
const std::string kTokens = kAccounts + "/robot/token";

json named(const std::string& name) {
  return {{"metadata", {{"name", name}}}};
}

std::string token_of(InMemoryApi& api, json spec = json::object()) {
  const Answer answer = api.post(kTokens, {{"spec", std::move(spec)}});
  INFO(answer.text);
  REQUIRE(answer.status == 201);
  return answer.body["status"]["token"].get<std::string>();
}

int status_with(InMemoryApi& api, const std::string& token) {
  return api.ask({.target = kAccounts, .token = token}).status;
}

TEST_CASE("a token of a service account opens the API as that account, for its time") {
  InMemoryApi api;
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  const Answer answer = api.post(kTokens, {{"apiVersion", "authentication.k8s.io/v1"},
                                           {"kind", "TokenRequest"},
                                           {"spec", {{"expirationSeconds", 900}}}});
  REQUIRE(answer.status == 201);
  CHECK(answer.body["kind"] == "TokenRequest");
  CHECK(answer.body["spec"]["expirationSeconds"] == 900);
  CHECK(answer.body["spec"]["audiences"] == json::array({"https://kubernetes.default.svc"}));
  CHECK(answer.headers.get("Warning").find("every token may do everything") != std::string::npos);
  const auto token = answer.body["status"]["token"].get<std::string>();

  const Answer who =
      api.ask({.method = "POST",
               .target = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
               .body = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}},
               .token = token});
  CHECK(who.status == 201);
  const json& user = who.body["status"]["userInfo"];
  CHECK(user["username"] == "system:serviceaccount:default:robot");
  CHECK(user["uid"] == api.get(kAccounts + "/robot").body["metadata"]["uid"]);
  CHECK(user["groups"] == json::array({"system:serviceaccounts", "system:serviceaccounts:default",
                                       "system:authenticated"}));
  api.clock.advance(std::chrono::seconds(899));
  CHECK(status_with(api, token) == 200);
  api.clock.advance(std::chrono::seconds(1));
  CHECK(status_with(api, token) == 401);
}

TEST_CASE("a token ends with its account, also when another takes the name") {
  InMemoryApi api;
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  const std::string token = token_of(api);
  CHECK(status_with(api, token) == 200);
  REQUIRE(api.remove(kAccounts + "/robot").status == 200);
  CHECK(status_with(api, token) == 401);
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  CHECK(status_with(api, token) == 401);
}

TEST_CASE("a token ends with the object that it is bound to") {
  InMemoryApi api;
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  json pod = named("p");
  pod["spec"] = {{"serviceAccountName", "robot"},
                 {"containers", {{{"name", "c"}, {"image", "i"}}}}};
  REQUIRE(api.post("/api/v1/namespaces/default/pods", pod).status == 201);
  const std::string token =
      token_of(api, {{"boundObjectRef", {{"kind", "Pod"}, {"apiVersion", "v1"}, {"name", "p"}}}});
  CHECK(status_with(api, token) == 200);
  REQUIRE(api.remove("/api/v1/namespaces/default/pods/p").status == 200);
  CHECK(status_with(api, token) == 401);
}

TEST_CASE("a token for others, a changed one and one of another server open nothing") {
  InMemoryApi api;
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  CHECK(status_with(api, token_of(api, {{"audiences", {"vault"}}})) == 401);
  CHECK(status_with(api, token_of(api, {{"audiences",
                                         {"vault", "https://kubernetes.default.svc"}}})) == 200);
  const std::string token = token_of(api);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character of the signature has bits that say nothing.
    if (i + 1 < token.size()) CHECK(status_with(api, changed) == 401);
    CHECK(status_with(api, token.substr(0, i)) == 401);
  }
  // {"alg":"none"} and no signature.
  const std::string payload = token.substr(token.find('.'), token.rfind('.') - token.find('.') + 1);
  CHECK(status_with(api, "eyJhbGciOiJub25lIn0" + payload) == 401);
  CHECK(status_with(api, token + std::string(10'000, 'A')) == 401);
}

TEST_CASE("a token of an account lives as long as the server's own, restarts included") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("api.db");
  std::string token;
  {
    InMemoryApi api(path);
    REQUIRE(api.post(kAccounts, named("robot")).status == 201);
    token = token_of(api);
  }
  {
    InMemoryApi again(path);
    CHECK(status_with(again, token) == 200);
  }
  InMemoryApi renewed(path, {.tokens = {"another"}});
  CHECK(status_with(renewed, token) == 401);
}

TEST_CASE("a request for a token that makes no sense is refused") {
  InMemoryApi api;
  REQUIRE(api.post(kAccounts, named("robot")).status == 201);
  struct Case {
    std::string name;
    json request;
    int status;
    std::string message;
  };
  const Case cases[] = {
      {"too short",
       {{"spec", {{"expirationSeconds", 60}}}},
       422,
       "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: "
       "60: "
       "may not specify a duration less than 10 minutes"},
      {"too long",
       {{"spec", {{"expirationSeconds", 5'000'000'000}}}},
       422,
       "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: "
       "5000000000: may not specify a duration larger than 2^32 seconds"},
      {"another account",
       {{"metadata", {{"name", "other"}}}},
       422,
       "TokenRequest.authentication.k8s.io \"robot\" is invalid: metadata.name: Invalid value: "
       "\"other\": must match the service account name if specified"},
      {"bound to nothing",
       {{"spec", {{"boundObjectRef", {{"kind", "Pod"}, {"apiVersion", "v1"}, {"name", "none"}}}}}},
       404,
       "pods \"none\" not found"},
      {"bound to what cannot be",
       {{"spec",
         {{"boundObjectRef", {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"name", "c"}}}}}},
       400,
       "cannot bind token to object of type /v1, Kind=ConfigMap"},
      {"of another kind",
       {{"apiVersion", "v1"}, {"kind", "Pod"}},
       400,
       "the body must be a TokenRequest of authentication.k8s.io/v1, got apiVersion v1"},
      {"no number",
       {{"spec", {{"expirationSeconds", "long"}}}},
       400,
       "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: spec.expirationSeconds "
       "in "
       "body must be of type integer: \"string\""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Answer answer = api.post(kTokens, c.request);
      CHECK(answer.status == c.status);
      CHECK(answer.body["message"] == c.message);
    }
  }
  CHECK(api.post(kAccounts + "/none/token", json::object()).body["message"] ==
        "serviceaccounts \"none\" not found");
  CHECK(api.get(kTokens).status == 405);
}

}  // namespace
