#include "kube/server/machinery/protobuf.h"

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

// Recorded from kubectl 1.32.
std::string recorded(const std::string& name) {
  std::ifstream file(std::string(SPARKCRON_SOURCE_DIR) +
                         "/tests/unit/kube/server/machinery/kubectl_bodies/" + name + ".pb",
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("what kubectl sends in protobuf reads as the JSON it would have sent") {
  struct Case {
    std::string body;
    std::string json;
  };
  const std::vector<Case> cases = {
      {.body = "namespace",
       .json = R"({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"},
                   "spec": {}, "status": {}})"},
      {.body = "configmap",
       .json = R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c1"},
                   "data": {"a": "1", "empty": "", "f.txt": "a=b\n"},
                   "binaryData": {"bin": "AAH/"}})"},
      {.body = "secret",
       .json = R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s1"},
                   "data": {"password": "aHVudGVyMg=="}})"},
      {.body = "serviceaccount",
       .json = R"({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}})"},
      {.body = "can_i",
       .json = R"({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                   "metadata": {}, "status": {},
                   "spec": {"resourceAttributes":
                     {"namespace": "team-a", "verb": "create", "resource": "pods"}}})"},
      {.body = "can_i_url",
       .json = R"({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                   "metadata": {}, "status": {},
                   "spec": {"nonResourceAttributes": {"path": "/healthz", "verb": "get"}}})"},
      {.body = "service", .json = R"({"apiVersion": "v1", "kind": "Service",
                   "metadata": {"name": "svc1", "labels": {"app": "svc1"}},
                   "spec": {"ports": [{"name": "80-8080", "protocol": "TCP", "port": 80,
                                       "targetPort": 8080}],
                            "selector": {"app": "svc1"}, "type": "ClusterIP"},
                   "status": {"loadBalancer": {}}})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.body) {
      const auto decoded = decode_protobuf(recorded(one.body));
      REQUIRE(decoded.has_value());
      CHECK(*decoded == Json::parse(one.json));
    }
  }
}

TEST_CASE("a zero behind a pointer is kept") {
  // DeleteOptions{gracePeriodSeconds: 0, orphanDependents: false}.
  const std::string meta = std::string("\x0a\x02v1\x12\x0d") + "DeleteOptions";
  const std::string raw("\x08\x00\x18\x00", 4);
  std::string body("k8s\0", 4);
  body += "\x0a" + std::string(1, static_cast<char>(meta.size())) + meta;
  body += "\x12" + std::string(1, static_cast<char>(raw.size())) + raw;
  const auto decoded = decode_protobuf(body);
  REQUIRE(decoded.has_value());
  CHECK((*decoded)["gracePeriodSeconds"] == 0);
  CHECK((*decoded)["orphanDependents"] == false);
}

TEST_CASE("protobuf that is cut off, foreign or compressed is refused") {
  const std::string whole = recorded("configmap");
  REQUIRE(whole.size() > 20);
  size_t refused = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    if (!decode_protobuf(whole.substr(0, length))) ++refused;
  }
  CHECK(refused >= whole.size() - 4);  // only the empty end of the envelope may be left out
  CHECK(decode_protobuf("{}").error().message ==
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  std::string foreign = whole;
  foreign.replace(foreign.find("ConfigMap"), 9, "ConfigMop");
  CHECK(decode_protobuf(foreign).error().code == 415);
}
