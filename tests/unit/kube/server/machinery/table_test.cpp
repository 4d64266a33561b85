#include "kube/server/machinery/table.h"

#include <nlohmann/json.hpp>

#include "kube/server/machinery/json_path.h"
#include "tests/support/catch.h"

using namespace kube::server::machinery;
using std::chrono::seconds;

namespace {

constexpr std::chrono::sys_seconds kNow{seconds(1'772'953'200)};  // 2026-03-08T07:00:00Z

Json cells_of(const kube::ResourceType& type, const std::string& object) {
  const Json parsed = Json::parse(object);
  return TableColumns::of_built_in(type).table({&parsed}, {}, IncludeObject::None,
                                               kNow)["rows"][0]["cells"];
}

}  // namespace

TEST_CASE("ages read as kubectl prints them") {
  struct Case {
    int64_t age = 0;
    std::string text;
  };
  constexpr int64_t kHour = 3600;
  constexpr int64_t kDay = 24 * kHour;
  const std::vector<Case> cases = {
      {.age = -5, .text = "<invalid>"},
      {.age = -1, .text = "0s"},
      {.age = 0, .text = "0s"},
      {.age = 119, .text = "119s"},
      {.age = 120, .text = "2m"},
      {.age = 192, .text = "3m12s"},
      {.age = 600, .text = "10m"},
      {.age = 179 * 60 + 59, .text = "179m"},
      {.age = 3 * kHour, .text = "3h"},
      {.age = 5 * kHour + 1200, .text = "5h20m"},
      {.age = 8 * kHour + 60, .text = "8h"},
      {.age = 47 * kHour, .text = "47h"},
      {.age = 2 * kDay, .text = "2d"},
      {.age = 2 * kDay + 3 * kHour, .text = "2d3h"},
      {.age = 8 * kDay + kHour, .text = "8d"},
      {.age = 729 * kDay, .text = "729d"},
      {.age = 3 * 365 * kDay + 20 * kDay, .text = "3y20d"},
      {.age = 9 * 365 * kDay, .text = "9y"},
  };
  for (const Case& one : cases)
    CHECK(human_duration(seconds(one.age)) == one.text);
}

TEST_CASE("a JSON path finds what printer columns ask for") {
  const Json object = Json::parse(R"({"metadata": {"annotations": {"a.b/c": "note"}},
    "spec": {"n": 1, "list": [{"v": "x"}, {"v": "y"}]},
    "status": {"conditions": [{"type": "Other", "status": "?"}, {"type": "Ready", "status": "True", "n": 3}]}})");
  struct Case {
    std::string path;
    std::string found;  // as a JSON list
  };
  const std::vector<Case> cases = {
      {.path = ".spec.n", .found = "[1]"},
      {.path = "{.spec.n}", .found = "[1]"},
      {.path = ".spec.list[0].v", .found = R"(["x"])"},
      {.path = ".spec.list[-1].v", .found = R"(["y"])"},
      {.path = ".spec.list[*].v", .found = R"(["x", "y"])"},
      {.path = ".metadata.annotations['a.b/c']", .found = R"(["note"])"},
      {.path = ".metadata.annotations.a\\.b/c", .found = R"(["note"])"},
      {.path = R"(.status.conditions[?(@.type=="Ready")].status)", .found = R"(["True"])"},
      {.path = R"(.status.conditions[?(@.type == 'Ready')].status)", .found = R"(["True"])"},
      {.path = ".status.conditions[?(@.n>2)].type", .found = R"(["Ready"])"},
      {.path = ".status.conditions[?(@.n)].type", .found = R"(["Ready"])"},
      {.path = ".spec.absent.deeper", .found = "[]"},
      {.path = ".spec.list[7]", .found = "[]"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.path) {
      const auto path = JsonPath::parse(one.path);
      REQUIRE(path.has_value());
      Json found = Json::array();
      for (const Json* value : path->find(object))
        found.push_back(*value);
      CHECK(found == Json::parse(one.found));
    }
  }
  for (const char* bad :
       {"spec", ".spec[", ".spec[x]", ".a..b", ".a[?(@.b=]", ".a[?(@.b==c)]", ".a['b]", ".a b"}) {
    CHECK_FALSE(JsonPath::parse(bad).has_value());
  }
}

TEST_CASE("a custom resource shows its printer columns") {
  const Json columns = Json::parse(R"([
    {"name": "Schedule", "type": "string", "jsonPath": ".spec.schedule"},
    {"name": "Active", "type": "integer", "jsonPath": ".status.active", "priority": 1},
    {"name": "Last", "type": "date", "jsonPath": ".status.last"},
    {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
    {"name": "Suspend", "type": "boolean", "jsonPath": ".spec.suspend"}])");
  CHECK(check_printer_columns(columns, {}).empty());
  const Json object = Json::parse(R"({"kind": "S", "metadata": {"name": "x"},
    "spec": {"schedule": "@hourly", "suspend": false},
    "status": {"active": 2, "last": "2026-03-08T06:56:48Z",
               "conditions": [{"type": "Ready", "status": "True"}]}})");
  const Json bare = {{"metadata", {{"name", "y"}}}};
  const Json table = TableColumns::of_custom(columns).table(
      {&object, &bare}, {{"resourceVersion", "7"}}, IncludeObject::Metadata, kNow);
  CHECK(table["kind"] == "Table");
  CHECK(table["apiVersion"] == "meta.k8s.io/v1");
  CHECK(table["metadata"]["resourceVersion"] == "7");
  CHECK(table["columnDefinitions"].size() == 6);
  CHECK(table["columnDefinitions"][0]["format"] == "name");
  CHECK(table["columnDefinitions"][2]["priority"] == 1);
  CHECK(table["rows"][0]["cells"] == Json::parse(R"(["x", "@hourly", 2, "3m12s", "True", false])"));
  CHECK(table["rows"][1]["cells"] == Json::parse(R"(["y", null, null, null, null, null])"));
  CHECK(
      table["rows"][0]["object"] ==
      Json::parse(
          R"({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "x"}})"));

  const Json plain =
      TableColumns::of_custom(nullptr).table({&bare}, {}, IncludeObject::Object, kNow);
  CHECK(plain["rows"][0]["cells"] == Json::parse(R"(["y", "<unknown>"])"));
  CHECK(plain["rows"][0]["object"] == bare);
}

TEST_CASE("bad printer columns are named") {
  std::vector<std::string> texts;
  for (const FieldError& error : check_printer_columns(
           Json::parse(R"([{"name": "A", "type": "text", "jsonPath": "spec"}, {}])"), {})) {
    texts.push_back(error.message());
  }
  CHECK(texts == std::vector<std::string>{
                     "[0].type: Invalid value: \"text\": must be one of "
                     "boolean,date,integer,number,string",
                     "[0].jsonPath: Invalid value: \"spec\": cannot read the JSON path spec: it "
                     "must start with '.'",
                     "[1].name: Required value",
                     "[1].type: Required value: must be one of boolean,date,integer,number,string",
                     "[1].jsonPath: Required value"});
}

TEST_CASE("a pod's row sums its containers up") {
  struct Case {
    std::string name;
    std::string pod;
    std::string cells;  // name, ready, status, restarts
  };
  const std::vector<Case> cases = {
      {.name = "pending",
       .pod = R"({"spec": {"containers": [{}]}, "status": {"phase": "Pending"}})",
       .cells = R"(["0/1", "Pending", "0"])"},
      {.name = "running",
       .pod = R"({"spec": {"containers": [{}, {}]}, "status": {"phase": "Running",
         "containerStatuses": [{"ready": true, "restartCount": 1, "state": {"running": {}},
            "lastState": {"terminated": {"finishedAt": "2026-03-08T06:56:48Z"}}},
            {"ready": false, "restartCount": 2, "state": {"running": {}}}]}})",
       .cells = R"row(["1/2", "Running", "3 (3m12s ago)"])row"},
      {.name = "waiting",
       .pod = R"({"spec": {"containers": [{}]}, "status": {"phase": "Pending",
         "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}})",
       .cells = R"(["0/1", "ImagePullBackOff", "0"])"},
      {.name = "completed",
       .pod = R"({"spec": {"containers": [{}]}, "status": {"phase": "Succeeded",
         "containerStatuses": [{"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}]}})",
       .cells = R"(["0/1", "Completed", "0"])"},
      {.name = "exit code",
       .pod = R"({"spec": {"containers": [{}]}, "status": {"phase": "Failed",
         "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}})",
       .cells = R"(["0/1", "ExitCode:3", "0"])"},
      {.name = "terminating",
       .pod = R"({"metadata": {"deletionTimestamp": "2026-03-08T06:56:48Z"},
         "spec": {"containers": [{}]}, "status": {"phase": "Running"}})",
       .cells = R"(["0/1", "Terminating", "0"])"},
      {.name = "initialising",
       .pod = R"({"spec": {"initContainers": [{}, {}], "containers": [{}]},
         "status": {"phase": "Pending", "initContainerStatuses": [
            {"state": {"terminated": {"exitCode": 0}}}, {"state": {"running": {}}}]}})",
       .cells = R"(["0/1", "Init:1/2", "0"])"},
      {.name = "evicted",
       .pod =
           R"({"spec": {"containers": [{}]}, "status": {"phase": "Failed", "reason": "Evicted"}})",
       .cells = R"(["0/1", "Evicted", "0"])"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const Json cells = cells_of(kube::pods(), one.pod);
      REQUIRE(cells.size() == 9);
      CHECK(Json::array({cells[1], cells[2], cells[3]}) == Json::parse(one.cells));
    }
  }
}

TEST_CASE("the other built-in kinds have their columns") {
  CHECK(cells_of(kube::services(),
                 R"({"metadata": {"name": "s", "creationTimestamp": "2026-03-08T06:56:48Z"},
    "spec": {"type": "ClusterIP", "clusterIP": "None", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 1}],
             "selector": {"a": "b"}}})") ==
        Json::parse(R"(["s", "ClusterIP", "None", "<none>", "80/TCP,1/TCP", "3m12s", "a=b"])"));
  CHECK(
      cells_of(
          kube::config_maps(),
          R"({"metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}, "binaryData": {"c": ""}})") ==
      Json::parse(R"(["c", 3, "<unknown>"])"));
  CHECK(cells_of(kube::secrets(), R"({"metadata": {"name": "c"}, "data": {"a": "1"}})") ==
        Json::parse(R"(["c", "Opaque", 1, "<unknown>"])"));
  CHECK(cells_of(kube::namespaces(),
                 R"({"metadata": {"name": "n"}, "status": {"phase": "Active"}})") ==
        Json::parse(R"(["n", "Active", "<unknown>"])"));
  CHECK(cells_of(kube::core_events(),
                 R"({"metadata": {"name": "e"}, "type": "Normal", "reason": "Started",
    "message": "m", "involvedObject": {"kind": "Pod", "name": "p"}, "lastTimestamp": "2026-03-08T06:56:48Z",
    "firstTimestamp": null, "count": 4, "source": {"component": "c"}})") ==
        Json::parse(
            R"(["3m12s", "Normal", "Started", "pod/p", "", "c", "m", "<unknown>", "4", "e"])"));
  CHECK(cells_of(kube::leases(),
                 R"({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}})") ==
        Json::parse(R"(["l", "me", "<unknown>"])"));
  CHECK(cells_of(kube::persistent_volume_claims(), R"({"metadata": {"name": "v"},
    "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "d", "volumeMode": "Filesystem"}, "status": {"phase": "Bound"}})") ==
        Json::parse(R"(["v", "Bound", "d", "", "RWO", "", "<unset>", "<unknown>", "Filesystem"])"));
  CHECK(
      cells_of(
          kube::nodes(),
          R"({"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}],
    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "nodeInfo": {"kubeletVersion": "v1"}}})")
          [1] == "Ready");
  CHECK(cells_of(kube::custom_resource_definitions(),
                 R"({"metadata": {"name": "c", "creationTimestamp": "2026-03-08T06:56:48Z"}})") ==
        Json::parse(R"(["c", "2026-03-08T06:56:48Z"])"));
}
