// An upgrade is no edit: what the present release has finished, another one does not run again,
// whatever its CRD shows of the same spec.

#include <string>

#include <nlohmann/json.hpp>

#include "kube/object.h"
#include "runner/spec_hash.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

// A finished application as the release of November 2026 has left it.
constexpr const char* kOfTheFirstRelease = R"({
  "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
  "metadata": {"name": "pi", "namespace": "etl", "generation": 1},
  "spec": {"type": "Python", "mode": "cluster", "sparkVersion": "4.0.1", "image": "spark:4",
           "mainApplicationFile": "local:///app/etl.py", "restartPolicy": {"type": "Never"},
           "driver": {"cores": 1, "ports": [{"name": "a", "containerPort": 9000}]},
           "executor": {"instances": 2}, "timeToLiveSeconds": 600000, "suspend": false},
  "status": {"applicationState": {"state": "COMPLETED"}, "observedGeneration": 1,
             "executionAttempts": 1, "submissionAttempts": 1,
             "lastSubmissionAttemptTime": "2026-01-01T00:00:00Z",
             "terminationTime": "2026-01-01T00:00:00Z", "driverExitCode": 0,
             "driverInfo": {"podName": "pi-driver"}}})";

// What that release calls the hash of this spec, as SHA-256 of its text.
constexpr const char* kItsHash = "fc828a64174fe40d";

void put(ApplicationWorld& world, const json& object) {
  json created = object;
  created.erase("status");
  REQUIRE(world.api.create(config::spark_applications(), created).has_value());
  world.api.set(config::spark_applications(), world.key, "/status", object["status"]);
}

json object_of_the_first_release() {
  json object = json::parse(kOfTheFirstRelease);
  object["status"]["specHash"] = kItsHash;
  return object;
}

}  // namespace

TEST_CASE("an upgrade of the service runs nothing again, and an edit still does") {
  ApplicationWorld world;
  put(world, object_of_the_first_release());
  const json before = world.application()["status"];
  CHECK(runner::spec_hash(world.application()) == kItsHash);
  world.settle();
  CHECK(world.state() == "COMPLETED");
  CHECK(world.application()["status"] == before);
  world.edit("/spec/timeToLiveSeconds", 700'000);
  world.settle();
  CHECK(world.state() == "COMPLETED");
  world.edit("/spec/driver/cores", 2);
  world.settle();
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("a CRD that fills in more, or knows less, runs nothing again, nor does the next edit") {
  struct Case {
    std::string name;
    std::string pointer;
    json value;
  };
  const Case cases[] = {
      {.name = "a new default", .pointer = "/spec/imagePullPolicy", .value = "IfNotPresent"},
      {.name = "a new default in a list",
       .pointer = "/spec/driver/ports/0/protocol",
       .value = "TCP"},
      {.name = "another default", .pointer = "/spec/restartPolicy/type", .value = "OnFailure"},
      {.name = "a field that is pruned", .pointer = "/spec/mode", .value = nullptr},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      ApplicationWorld world;
      put(world, object_of_the_first_release());
      // What the API server shows changes; nobody has written it, so the generation does not.
      const json generation = world.application()["metadata"]["generation"];
      world.api.set(config::spark_applications(), world.key, c.pointer, c.value);
      world.api.set(config::spark_applications(), world.key, "/metadata/generation", generation);
      world.settle();
      CHECK(world.state() == "COMPLETED");
      world.edit("/spec/timeToLiveSeconds", 700'000);
      world.settle();
      CHECK(world.state() == "COMPLETED");
      world.edit("/spec/driver/cores", 2);
      world.settle();
      CHECK(world.state() == "SUBMITTED");
    }
  }
}

TEST_CASE("defaults of a later CRD are taken out of the hash where they stand as such") {
  const runner::LaterDefault defaults[] = {
      {.path = "/deployMode", .value = "\"cluster\""},
      {.path = "/driver/ports/*/protocol", .value = "\"TCP\""},
  };
  json spec = json::parse(R"({
    "deployMode": "cluster",
    "driver": {"ports": [{"containerPort": 1, "protocol": "TCP"},
                         {"containerPort": 2, "protocol": "UDP"}, 7]}})");
  runner::drop_defaults(spec, defaults);
  CHECK(spec == json::parse(R"({
    "driver": {"ports": [{"containerPort": 1}, {"containerPort": 2, "protocol": "UDP"}, 7]}})"));
  json other = json::parse(R"({"deployMode": "client", "driver": {"ports": {}}})");
  const json before = other;
  runner::drop_defaults(other, defaults);
  CHECK(other == before);
}

}  // namespace tests
