#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

TEST_CASE("what only a cluster has is left out on a machine, and told by path") {
  const json application = with_spec(
      {{"batchScheduler", "volcano"},
       {"sparkUIOptions", {{"servicePort", 80}}},
       {"volumes", {{{"name", "v"}, {"emptyDir", json::object()}}}},
       {"driver",
        {{"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 1}}},
         {"hostAliases", {{{"ip", "10.0.0.1"}, {"hostnames", {"h"}}}}},
         {"lifecycle", {{"preStop", {{"exec", {{"command", {"x"}}}}}}}},
         {"hostNetwork", false},
         {"template",
          {{"spec",
            {{"containers",
              {{{"name", "spark-kubernetes-driver"},
                {"livenessProbe", {{"exec", json::object()}}}}}}}}}},
         {"sidecars",
          {{{"name", "s"}, {"command", {"x"}}, {"securityContext", {{"runAsUser", 1}}}}}}}}});
  const Submission built = must_build(application, on_a_machine());
  CHECK(built.left_out ==
        std::vector<std::string>{"spec.batchScheduler", "spec.sparkUIOptions", "spec.driver.gpu",
                                 "spec.driver.hostAliases", "spec.driver.lifecycle",
                                 "spec.driver.template.spec.containers[0].livenessProbe",
                                 "spec.driver.sidecars[0].securityContext"});
  CHECK_FALSE(built.driver_pod["spec"].contains("hostAliases"));
  CHECK_FALSE(driver_container(built).contains("lifecycle"));
  CHECK_FALSE(driver_container(built)["resources"]["limits"].contains("nvidia.com/gpu"));
  CHECK(refusal(application).empty());
}

TEST_CASE("a side car whose command is in its image is left out on a machine, with its volumes") {
  const json application =
      with_spec({{"volumes",
                  {{{"name", "logs"}, {"emptyDir", json::object()}},
                   {{"name", "keys"}, {"csi", {{"driver", "secrets"}}}}}},
                 {"driver",
                  {{"sidecars",
                    {{{"name", "agent"},
                      {"image", "fluentd"},
                      {"securityContext", {{"runAsUser", 1}}},
                      {"volumeMounts",
                       {{{"name", "logs"}, {"mountPath", "/logs"}},
                        {{"name", "keys"}, {"mountPath", "/keys"}}}}},
                     {{"name", "echo"},
                      {"image", "busybox"},
                      {"command", {"cat"}},
                      {"securityContext", {{"runAsUser", 1}}},
                      {"volumeMounts", {{{"name", "logs"}, {"mountPath", "/logs"}}}}}}},
                   {"template",
                    {{"spec",
                      {{"containers",
                        {{{"name", "proxy"}, {"image", "envoy"}},
                         {{"name", "spark-kubernetes-driver"}}}}}}}}}}});
  const Submission built = must_build(application, on_a_machine());
  CHECK(built.left_out ==
        std::vector<std::string>{"spec.driver.template.spec.containers[0] (it has no command)",
                                 "spec.driver.sidecars[0] (it has no command)",
                                 "spec.driver.sidecars[1].securityContext"});
  std::vector<std::string> containers;
  for (const json& one : built.driver_pod["spec"]["containers"])
    containers.push_back(one["name"].get<std::string>());
  CHECK(containers == std::vector<std::string>{"spark-kubernetes-driver", "echo"});
  const std::string volumes = built.driver_pod["spec"]["volumes"].dump();
  CHECK(volumes.find("logs") != std::string::npos);
  CHECK(volumes.find("keys") == std::string::npos);
  // On a cluster all of it is there.
  CHECK(must_build(application).driver_pod["spec"]["containers"].size() == 4);
}
