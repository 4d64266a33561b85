#include "config/pod_shape.h"

#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using nlohmann::json;

namespace {

std::string problem(const json& spec) {
  const base::Status status = config::check_pod_shape({{"spec", spec}});
  return status ? "" : status.error().message;
}
json driver(const json& fields) {
  return {{"driver", fields}};
}

}  // namespace

TEST_CASE("a slip of the hand anywhere in a pod's parts is told by its path") {
  struct Case {
    json spec;
    std::string error;
  };
  const Case cases[] = {
      {{{"volumes", {{{"name", "v"}, {"configmap", {{"name", "c"}}}}}}},
       "spec.volumes[0].configmap is unknown: did you mean configMap?"},
      {{{"volumes", {{{"name", "v"}}, {{"name", "w"}, {"iscsi", {{"targetportal", "x"}}}}}}},
       "spec.volumes[1].iscsi.targetportal is unknown: did you mean targetPortal?"},
      {driver({{"env", {{{"name", "A"}, {"valuefrom", json::object()}}}}}),
       "spec.driver.env[0].valuefrom is unknown: did you mean valueFrom?"},
      {driver({{"env", {{{"name", "A"}, {"from", "b"}}}}}),
       "spec.driver.env[0].from is unknown: EnvVar has name, value and valueFrom"},
      {{{"executor", {{"envFrom", {{{"secretref", {{"name", "s"}}}}}}}}},
       "spec.executor.envFrom[0].secretref is unknown: did you mean secretRef?"},
      {driver({{"sidecars", {{{"name", "s"}, {"volume_mounts", json::array()}}}}}),
       "spec.driver.sidecars[0].volume_mounts is unknown: did you mean volumeMounts?"},
      {driver({{"initContainers", {{{"name", "s"}, {"livenessProbe", {{"httpget", {}}}}}}}}),
       "spec.driver.initContainers[0].livenessProbe.httpget is unknown: did you mean httpGet?"},
      {driver({{"template", {{"spec", {{"containers", {{{"name", "c"}, {"cmd", {"x"}}}}}}}}}}),
       "spec.driver.template.spec.containers[0].cmd is unknown: Container has no such field"},
      {driver({{"template", {{"labels", json::object()}}}}),
       "spec.driver.template.labels is unknown: a pod template has metadata and spec"},
      {driver({{"podSecurityContext", {{"capabilities", json::object()}}}}),
       "spec.driver.podSecurityContext.capabilities is unknown: it is a container's, and belongs "
       "into securityContext"},
      {driver({{"template", {{"spec", {{"securityContext", {{"capability", 1}}}}}}}}),
       "spec.driver.template.spec.securityContext.capability is unknown: PodSecurityContext has no "
       "such field"},
      {driver({{"affinity", {{"nodeaffinity", json::object()}}}}),
       "spec.driver.affinity.nodeaffinity is unknown: did you mean nodeAffinity?"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      CHECK(problem(c.spec) == c.error);
    }
  }
}

TEST_CASE("a value of another type is told without repeating it") {
  CHECK(problem(driver({{"env", {{{"name", "A"}, {"value", 4711}}}}})) ==
        "spec.driver.env[0].value must be a string, not a number: put it in quotes");
  CHECK(problem(driver(
            {{"sidecars", {{{"name", "s"}, {"env", {{{"name", "A"}, {"value", true}}}}}}}})) ==
        "spec.driver.sidecars[0].env[0].value must be a string, not a truth value: put it in "
        "quotes");
  CHECK(problem(driver({{"env", json::object()}})) == "spec.driver.env must be a list");
  CHECK(problem(driver({{"affinity", "x"}})) == "spec.driver.affinity must be an object");
  CHECK(problem(driver({{"template", 1}})) == "spec.driver.template must be an object");
  CHECK(problem(driver({{"hostAliases", {1}}})) == "spec.driver.hostAliases[0] must be an object");
  CHECK(problem(driver({{"securityContext", {{"runAsUser", "1000"}}}})) ==
        "spec.driver.securityContext.runAsUser must be an integer");
  CHECK(problem(driver({{"securityContext", {{"privileged", "yes"}}}})) ==
        "spec.driver.securityContext.privileged must be true or false");
}

TEST_CASE("what pods have is no problem, numbers as amounts and nulls neither") {
  CHECK(problem({{"volumes",
                  {{{"name", "v"}, {"emptyDir", {{"sizeLimit", 1073741824}}}},
                   {{"name", "w"}, {"emptyDir", nullptr}}}},
                 {"driver",
                  {{"template",
                    {{"apiVersion", "v1"},
                     {"kind", "Pod"},
                     {"status", json::object()},
                     {"metadata", {{"creationTimestamp", nullptr}, {"labels", {{"a", "b"}}}}},
                     {"spec", {{"containers", {{{"resources", {{"limits", {{"cpu", 0.5}}}}}}}}}}}},
                   {"tolerations", {{{"operator", "Exists"}}}},
                   {"lifecycle", {{"preStop", {{"httpGet", {{"port", "http"}}}}}}}}}}) == "");
  CHECK(problem(json::object()) == "");
  CHECK(problem("text") == "");
  CHECK(problem({{"driver", 1}, {"executor", nullptr}}) == "");
}

TEST_CASE("many problems are named up to a number and counted beyond it") {
  json env = json::array();
  for (int i = 0; i < 1000; ++i)
    env.push_back({{"nam", "x"}});
  const std::string error = problem(driver({{"env", env}}));
  CHECK(error.starts_with("spec.driver.env[0].nam is unknown: EnvVar has name"));
  CHECK(error.ends_with("; and 992 more"));
  CHECK(error.size() < 1000);
}
