#include "monitor/reader_gate.h"

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/forwarding_api.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

using base::Code;
using kube::Json;

namespace {

// An API server that knows these tokens and nobody's rights but ann's and the reader account's.
class Reviewer final : public kube::ForwardingApi {
 public:
  explicit Reviewer(kube::Api& rest) : ForwardingApi(rest) {}
  base::Result<Json> create(const kube::ResourceType& type, const Json& object) override {
    asked.push_back(object);
    if (failure) return base::failure(*failure);
    Json answer = object;
    if (type.plural == "tokenreviews") {
      const std::string token = base::string_at(object, {"spec", "token"});
      const Json audiences = object["spec"].value("audiences", Json::array({"the API"}));
      answer["status"]["authenticated"] = false;
      if (audiences == Json::array({"the API"}) && (token == "of-ann" || token == "of-bob"))
        answer["status"] = {{"authenticated", true},
                            {"audiences", audiences},
                            {"user", {{"username", token.substr(3)}, {"groups", {"people"}}}}};
      if (audiences == Json::array({"sparkcron-history"}) && token == "of-reader")
        answer["status"] = {
            {"authenticated", true}, {"audiences", audiences}, {"user", {{"username", "reader"}}}};
      if (token == "blind")  // an authenticator that looks at no audience
        answer["status"] = {{"authenticated", true}, {"user", {{"username", "ann"}}}};
    } else {
      const std::string user = base::string_at(object, {"spec", "user"});
      answer["status"]["allowed"] = user == "ann" || user == "reader";
    }
    return answer;
  }
  std::vector<Json> asked;
  std::optional<base::Error> failure;
};

struct Bed {
  tests::FakeClock clock;
  tests::MemoryApi rest;
  Reviewer api{rest};
  monitor::ReaderGate gate{
      api,
      clock,
      {.service = {"sparkcron", "sparkcron-history"}, .max_known = 4, .max_reviews = 5}};

  static base::http::Request with(const std::string& header, const std::string& value) {
    base::http::Request request;
    request.headers.add(header, value);
    return request;
  }
  base::Status check(const std::string& header, const std::string& value) {
    return gate.check(with(header, value));
  }
};

constexpr const char* kDirect = "Authorization";
constexpr const char* kProxied = "X-Sparkcron-Authorization";

}  // namespace

TEST_CASE("who may read the history is what the API server says", "[monitor]") {
  struct Case {
    const char* header;
    std::string value;
    std::optional<Code> refused;
    std::string message;
  };
  const Case cases[] = {
      {.header = kDirect, .value = "Bearer of-ann"},
      {.header = kDirect, .value = "bearer of-ann"},
      {.header = kProxied, .value = "Bearer of-reader"},
      {.header = kDirect,
       .value = "Bearer of-bob",
       .refused = Code::Forbidden,
       .message = "bob may not get services/proxy \"https:sparkcron-history:https\" in namespace "
                  "sparkcron: the role sparkcron-history-reader there allows it"},
      {.header = kDirect,
       .value = "Bearer forged",
       .refused = Code::Unauthenticated,
       .message = "the API server does not accept the token"},
      // A token of one way is worth nothing in the other.
      {.header = kDirect,
       .value = "Bearer of-reader",
       .refused = Code::Unauthenticated,
       .message = "the API server does not accept the token"},
      {.header = kProxied,
       .value = "Bearer of-ann",
       .refused = Code::Unauthenticated,
       .message = "the token is not valid, or not for the audience sparkcron-history"},
      {.header = kProxied,
       .value = "Bearer blind",
       .refused = Code::Unauthenticated,
       .message = "the token is not for the audience sparkcron-history"},
      {.header = kDirect,
       .value = "Basic YW5uOmFubg==",
       .refused = Code::Unauthenticated,
       .message = "Authorization: a bearer token is expected"},
      {.header = kDirect,
       .value = "Bearer ",
       .refused = Code::Unauthenticated,
       .message = "Authorization: a bearer token is expected"},
      {.header = kDirect,
       .value = "Bearer " + std::string(20'000, 'x'),
       .refused = Code::Unauthenticated,
       .message = "Authorization: a bearer token is expected"},
      // What a front proxy would say of its caller is nobody's word here.
      {.header = "X-Remote-User",
       .value = "ann",
       .refused = Code::Unauthenticated,
       .message = "a bearer token is needed: in Authorization one for the API server, or in "
                  "X-Sparkcron-Authorization one for the audience sparkcron-history"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.header << " " << c.value.substr(0, 20)) {
      Bed bed;
      const auto allowed = bed.check(c.header, c.value);
      CHECK(allowed.has_value() == !c.refused);
      if (allowed || !c.refused) continue;
      CHECK(allowed.error().code == *c.refused);
      CHECK(allowed.error().message == c.message);
    }
  }
}

TEST_CASE("the API server is asked whether the caller may get the service's proxy", "[monitor]") {
  Bed bed;
  REQUIRE(bed.check(kDirect, "Bearer of-ann"));
  REQUIRE(bed.api.asked.size() == 2);
  CHECK(bed.api.asked[1] == Json::parse(R"({
    "apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview",
    "metadata": {"namespace": "sparkcron"},
    "spec": {"user": "ann", "groups": ["people"], "resourceAttributes": {
      "namespace": "sparkcron", "verb": "get", "version": "v1", "resource": "services",
      "subresource": "proxy", "name": "https:sparkcron-history:https"}}})"));
}

TEST_CASE("an answer about a token is believed for a short time", "[monitor]") {
  Bed bed;
  SECTION("allowed") {
    REQUIRE(bed.check(kDirect, "Bearer of-ann"));
    CHECK(bed.gate.knows(Bed::with(kDirect, "Bearer of-ann")));
    CHECK_FALSE(bed.gate.knows(Bed::with(kProxied, "Bearer of-ann")));
    bed.clock.advance(std::chrono::milliseconds{29'999});
    REQUIRE(bed.check(kDirect, "Bearer of-ann"));
    CHECK(bed.api.asked.size() == 2);
    bed.clock.advance(std::chrono::milliseconds{1});
    CHECK_FALSE(bed.gate.knows(Bed::with(kDirect, "Bearer of-ann")));
    REQUIRE(bed.check(kDirect, "Bearer of-ann"));
    CHECK(bed.api.asked.size() == 4);
  }
  SECTION("refused") {
    CHECK_FALSE(bed.check(kDirect, "Bearer forged"));
    CHECK_FALSE(bed.check(kDirect, "Bearer forged"));
    CHECK(bed.api.asked.size() == 1);
    CHECK_FALSE(bed.gate.knows(Bed::with(kDirect, "Bearer forged")));
  }
  SECTION("no answer is none") {
    bed.api.failure = base::Error{.code = Code::Forbidden, .message = "no such right"};
    const auto failed = bed.check(kDirect, "Bearer of-ann");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Code::Unavailable);
    CHECK(failed.error().message ==
          "the API server was asked whose the token is and did not say: no such right");
    bed.api.failure.reset();
    CHECK(bed.check(kDirect, "Bearer of-ann"));
  }
}

TEST_CASE("guessing tokens floods neither the memory nor the API server", "[monitor]") {
  Bed bed;
  int throttled = 0;
  for (int i = 0; i < 100; ++i) {
    const auto refused = bed.check(kDirect, "Bearer guess-" + std::to_string(i));
    REQUIRE_FALSE(refused);
    if (refused.error().code == Code::ResourceExhausted) ++throttled;
  }
  CHECK(throttled == 95);
  CHECK(bed.api.asked.size() == 5);
  // Four are remembered (max_known), however many were asked about.
  for (int second = 0; second < 5; ++second) {
    bed.clock.advance(std::chrono::milliseconds{1'000});
    for (int i = 0; i < 5; ++i)
      CHECK_FALSE(bed.check(kDirect, "Bearer more-" + std::to_string(5 * second + i)));
  }
  CHECK(bed.gate.known() == 4);
  bed.clock.advance(std::chrono::milliseconds{1'000});
  CHECK(bed.check(kDirect, "Bearer of-ann"));
}
