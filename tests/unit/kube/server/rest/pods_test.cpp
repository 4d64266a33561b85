// What a pod may not say: refused when it is applied, with the field's path.

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;

const std::string kPods = "/api/v1/namespaces/default/pods";

json pod(const std::string& name, json container, json spec = json::object()) {
  container["name"] = "c";
  container["image"] = "i";
  spec["containers"] = json::array({std::move(container)});
  return {{"metadata", {{"name", name}}}, {"spec", std::move(spec)}};
}

TEST_CASE("a pod that no node could run is refused with the field's path") {
  InMemoryApi api;
  struct Case {
    std::string name;
    json object;
    std::string message;
  };
  const json volume = {{"volumes", {{{"name", "v"}, {"emptyDir", json::object()}}}}};
  const auto mounted = [&](const char* place) {
    return pod("p", {{"volumeMounts", {{{"name", "v"}, {"mountPath", place}}}}}, volume);
  };
  const char* const root = "must not be the root of the file system: choose a folder below it";
  const Case cases[] = {
      {.name = "environment name A=B",
       .object = pod("p", {{"env", {{{"name", "A=B"}, {"value", "x"}}}}}),
       .message = "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment "
                  "variable name must consist only of printable ASCII characters other than '='"},
      {.name = "environment name with NUL",
       .object = pod("p", {{"env", {{{"name", std::string("A\0B", 3)}}}}}),
       .message = "a valid environment variable name must consist only of printable ASCII"},
      {.name = "NUL in an argument",
       .object = pod("p", {{"args", {"ok", std::string("a\0b", 3)}}}),
       .message = "spec.containers[0].args[1]: Invalid value: must not contain a zero byte"},
      {.name = "NUL in the value of a variable",
       .object = pod("p", {{"env", {{{"name", "A"}, {"value", std::string("\0", 1)}}}}}),
       .message = "spec.containers[0].env[0].value: Invalid value: must not contain a zero byte"},
      {.name = "mount over the root",
       .object = mounted("/"),
       .message = std::string("spec.containers[0].volumeMounts[0].mountPath: Invalid value: ") +
                  "\"/\": " + root},
      {.name = "mount over the root, otherwise spelt", .object = mounted("//./"), .message = root},
      {.name = "port out of range",
       .object = pod("p", {{"ports", {{{"containerPort", 70000}}}}}),
       .message =
           "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between "
           "1 and 65535, inclusive"},
      {.name = "host port out of range",
       .object = pod("p", {{"ports", {{{"containerPort", 80}, {"hostPort", -1}}}}}),
       .message = "spec.containers[0].ports[0].hostPort: Invalid value: -1: must be between 1 and "
                  "65535, inclusive"},
      {.name = "two ports of one name",
       .object = pod("p", {{"ports",
                            {{{"containerPort", 80}, {"name", "ui"}},
                             {{"containerPort", 81}, {"name", "ui"}}}}}),
       .message = "spec.containers[0].ports[1].name: Duplicate value: \"ui\""},
      {.name = "a port's name",
       .object = pod("p", {{"ports", {{{"containerPort", 80}, {"name", "UI_1"}}}}}),
       .message = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"},
      {.name = "negative memory",
       .object = pod("p", {{"resources", {{"requests", {{"memory", "-1Gi"}}}}}}),
       .message = "spec.containers[0].resources.requests[memory]: Invalid value: \"-1Gi\": must be "
                  "greater than or equal to 0"},
      {.name = "a negative deadline",
       .object = pod("p", json::object(), {{"activeDeadlineSeconds", -5}}),
       .message =
           "spec.activeDeadlineSeconds: Invalid value: -5: must be between 1 and 2147483647, "
           "inclusive"},
      {.name = "a deadline of 10^16 seconds",
       .object = pod("p", json::object(), {{"activeDeadlineSeconds", 10'000'000'000'000'000}}),
       .message = "must be between 1 and 2147483647, inclusive"},
      {.name = "two volumes of one name",
       .object = pod("p", json::object(),
                     {{"volumes",
                       {{{"name", "v"}, {"emptyDir", json::object()}},
                        {{"name", "v"}, {"emptyDir", json::object()}}}}}),
       .message = "spec.volumes[1].name: Duplicate value: \"v\""},
      {.name = "a request above its limit",
       .object = pod(
           "p", {{"resources", {{"limits", {{"cpu", "1"}}}, {"requests", {{"cpu", "1500m"}}}}}}),
       .message = "spec.containers[0].resources.requests: Invalid value: \"1500m\": must be less "
                  "than or equal to cpu limit of 1"},
      {.name = "a device without a limit",
       .object = pod("p", {{"resources", {{"requests", {{"example.com/gpu", 1}}}}}}),
       .message = "spec.containers[0].resources.limits: Required value: Limit must be set for non "
                  "overcommitable resources"},
      {.name = "half a device",
       .object = pod("p", {{"resources", {{"limits", {{"example.com/gpu", "0.5"}}}}}}),
       .message = "spec.containers[0].resources.limits[example.com/gpu]: Invalid value: \"500m\": "
                  "must be an integer"},
      {.name = "a resource that nobody knows",
       .object = pod("p", {{"resources", {{"limits", {{"gpu", 1}}}}}}),
       .message = "spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a "
                  "standard resource type or fully qualified"},
      {.name = "a label's value",
       .object = {{"metadata", {{"name", "p"}, {"labels", {{"a", "b c"}}}}},
                  {"spec", {{"containers", {{{"name", "c"}, {"image", "i"}}}}}}},
       .message = "metadata.labels: Invalid value: \"b c\""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Answer answer = api.post(kPods, c.object);
      CHECK(answer.status == 422);
      INFO(answer.text);
      CHECK(answer.body["message"].get<std::string>().find(c.message) != std::string::npos);
    }
  }
}

TEST_CASE("amounts are written canonically, and a limit without a request is the request too") {
  InMemoryApi api;
  struct Case {
    std::string name;
    json resources;
    json stored;
    std::string quality;
  };
  const Case cases[] = {
      {.name = "other spellings",
       .resources = {{"limits", {{"cpu", "0.5"}, {"memory", "2048Mi"}}},
                     {"requests", {{"cpu", 0.25}, {"memory", "1.5Gi"}}}},
       .stored = {{"limits", {{"cpu", "500m"}, {"memory", "2Gi"}}},
                  {"requests", {{"cpu", "250m"}, {"memory", "1536Mi"}}}},
       .quality = "Burstable"},
      {.name = "limits alone",
       .resources = {{"limits", {{"cpu", 2}, {"memory", "1e9"}}}},
       .stored = {{"limits", {{"cpu", "2"}, {"memory", "1e9"}}},
                  {"requests", {{"cpu", "2"}, {"memory", "1e9"}}}},
       .quality = "Guaranteed"},
      {.name = "the same in two spellings",
       .resources = {{"limits", {{"cpu", "1000m"}, {"memory", "1Gi"}}},
                     {"requests", {{"cpu", "1"}, {"memory", "1073741824"}}}},
       .stored = {{"limits", {{"cpu", "1"}, {"memory", "1Gi"}}},
                  {"requests", {{"cpu", "1"}, {"memory", "1073741824"}}}},
       .quality = "Guaranteed"},
      {.name = "finer than thousandths",
       .resources = {{"requests", {{"cpu", "100u"}}}},
       .stored = {{"requests", {{"cpu", "1m"}}}},
       .quality = "Burstable"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Answer created = api.post(kPods, pod("p", {{"resources", c.resources}}));
      INFO(created.text);
      REQUIRE(created.status == 201);
      CHECK(created.body["spec"]["containers"][0]["resources"] == c.stored);
      CHECK(created.body["status"]["qosClass"] == c.quality);
      // What it already is, however spelt, is no change of what may not change.
      json again = created.body;
      again["spec"]["containers"][0]["resources"] = c.resources;
      again["metadata"]["labels"] = {{"a", "b"}};
      const Answer updated = api.put(kPods + "/p", again);
      INFO(updated.text);
      CHECK(updated.status == 200);
      CHECK(updated.body["spec"]["containers"][0]["resources"] == c.stored);
    }
  }
}

TEST_CASE("what is no amount cannot be read: 400, and 422 when a patch makes it") {
  InMemoryApi api;
  for (const json& amount : {json("lots"), json("1 Gi"), json(true), json(json::array())}) {
    INFO(amount);
    const Answer answer =
        api.post(kPods, pod("p", {{"resources", {{"limits", {{"memory", amount}}}}}}));
    CHECK(answer.status == 400);
    CHECK(answer.body["message"] ==
          "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular "
          "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  REQUIRE(api.post(kPods, pod("p", json::object())).status == 201);
  CHECK(api.merge(kPods + "/p", {{"spec", {{"overhead", {{"cpu", "much"}}}}}}).status == 422);
}

TEST_CASE("environment names that programs do use are accepted") {
  InMemoryApi api;
  for (const char* name : {"A", "a.b-c", "1A", "A B", "BASH_FUNC_x%%", "{}"}) {
    INFO(name);
    CHECK(api.post(kPods + "?dryRun=All", pod("p", {{"env", {{{"name", name}, {"value", "x"}}}}}))
              .status == 201);
  }
}

TEST_CASE("ConfigMap and Secret keys that would be folders are refused") {
  InMemoryApi api;
  struct Case {
    std::string key;
    const char* detail;
  };
  for (const Case& c : {Case{".", "must not be '.'"}, Case{"..", "must not be '..'"},
                        Case{"..data", "must not start with '..'"},
                        Case{std::string(254, 'a'), "must be no more than 253 characters"}}) {
    INFO(c.key);
    json map = config_map("m");
    map["data"] = {{c.key, "x"}};
    const Answer answer = api.post(kConfigMaps, map);
    CHECK(answer.status == 422);
    CHECK(answer.body["message"].get<std::string>().find("data[" + c.key + "]: Invalid value: \"" +
                                                         c.key + "\": " + c.detail) !=
          std::string::npos);
    CHECK(api.post("/api/v1/namespaces/default/secrets",
                   {{"metadata", {{"name", "s"}}}, {"stringData", {{c.key, "x"}}}})
              .status == 422);
  }
  json map = config_map("m");
  map["data"] = {{".bashrc", "x"}, {"a..b", "x"}};
  CHECK(api.post(kConfigMaps, map).status == 201);
}

}  // namespace
