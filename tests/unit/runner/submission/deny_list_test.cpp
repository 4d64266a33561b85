#include "runner/submission/deny_list.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

std::string key(const std::string& name) {
  return "sparkoperator.k8s.io/" + name;
}

}  // namespace

TEST_CASE("what a tenant may not do is refused with the way that is open") {
  struct Case {
    json spec;
    std::string error;
  };
  const auto conf = [](const std::string& name, const std::string& value = "x") {
    return json{{"sparkConf", {{name, value}}}};
  };
  const std::string authenticate = "spark.kubernetes.authenticate.";
  const Case cases[] = {
      {conf("spark.master"), "spark.master: the service says where the driver runs"},
      {conf("spark.kubernetes.driver.master"),
       "spark.kubernetes.driver.master: use spec.driver.kubernetesMaster"},
      {conf("spark.kubernetes.container.image"),
       "spark.kubernetes.container.image: use spec.image"},
      {conf("spark.kubernetes.driver.container.image"),
       "spark.kubernetes.driver.container.image: use spec.driver.image"},
      {conf("spark.kubernetes.executor.container.image"),
       "spark.kubernetes.executor.container.image: use spec.executor.image"},
      {conf(authenticate + "driver.serviceAccountName"),
       authenticate + "driver.serviceAccountName: use spec.driver.serviceAccount"},
      {conf(authenticate + "executor.serviceAccountName"),
       authenticate + "executor.serviceAccountName: use spec.executor.serviceAccount"},
      {conf(authenticate + "oauthToken"),
       authenticate + "oauthToken: use spec.driver.serviceAccount"},
      {conf(authenticate + "oauthTokenFile"),
       authenticate + "oauthTokenFile: use spec.driver.serviceAccount"},
      {conf(authenticate + "driver.oauthToken"),
       authenticate + "driver.oauthToken: use spec.driver.serviceAccount"},
      {conf(authenticate + "driver.oauthTokenFile"),
       authenticate + "driver.oauthTokenFile: use spec.driver.serviceAccount"},
      {conf(authenticate + "executor.oauthToken"),
       authenticate + "executor.oauthToken: use spec.executor.serviceAccount"},
      {conf(authenticate + "executor.oauthTokenFile"),
       authenticate + "executor.oauthTokenFile: use spec.executor.serviceAccount"},
      {conf(authenticate + "submission.caCertFile"),
       authenticate + "submission.caCertFile: the service submits as itself"},
      {conf("spark.kubernetes.context"),
       "spark.kubernetes.context: the service has no kubeconfig for tenants"},
      {conf("spark.kubernetes.driver.podTemplateFile"),
       "spark.kubernetes.driver.podTemplateFile: use spec.driver.template"},
      {conf("spark.kubernetes.executor.podTemplateFile"),
       "spark.kubernetes.executor.podTemplateFile: use spec.executor.template"},
      {conf("spark.kubernetes.namespace", "other"),
       "spark.kubernetes.namespace to another namespace than jobs"},
      {conf("spark.kubernetes.driver.label." + key("app-name"), "other"),
       "spark.kubernetes.driver.label." + key("app-name") +
           ": the service sets it, to know its own"},
      {conf("spark.kubernetes.executor.annotation." + key("scheduled-time"), "2026-01-01"),
       "spark.kubernetes.executor.annotation." + key("scheduled-time") +
           ": the service sets it, to know its own"},
      {conf("spark.kubernetes.driver.service.label." + key("created-by-spark-operator"), "true"),
       "spark.kubernetes.driver.service.label." + key("created-by-spark-operator") +
           ": the service sets it, to know its own"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      CHECK(refusal(with(scala_application(), {{"spec", c.spec}})) ==
            "spec.sparkConf must not set " + c.error);
    }
  }
}

TEST_CASE("a tenant's pods do not pass for those of another application") {
  struct Case {
    json spec;
    std::string error;
  };
  const std::string ours = ": the service sets it, to know its own";
  const Case cases[] = {
      {{{"driver", {{"labels", {{key("scheduled-app-name"), "nightly"}}}}}},
       "spec.driver.labels must not have " + key("scheduled-app-name") + ours},
      {{{"executor", {{"labels", {{key("submission-id"), "x"}}}}}},
       "spec.executor.labels must not have " + key("submission-id") + ours},
      {{{"driver", {{"annotations", {{key("spec-hash"), "x"}}}}}},
       "spec.driver.annotations must not have " + key("spec-hash") + ours},
      {{{"driver", {{"annotations", {{key("attempt"), "2"}}}}}},
       "spec.driver.annotations must not have " + key("attempt") + ours},
      {{{"driver", {{"serviceLabels", {{key("app-name"), "x"}}}}}},
       "spec.driver.serviceLabels must not have " + key("app-name") + ours},
      {{{"driver", {{"serviceAnnotations", {{key("app-name"), "x"}}}}}},
       "spec.driver.serviceAnnotations must not have " + key("app-name") + ours},
      {{{"driver", {{"template", {{"metadata", {{"labels", {{key("app-name"), "x"}}}}}}}}}},
       "spec.driver.template.metadata.labels must not have " + key("app-name") + ours},
      {{{"executor",
         {{"template", {{"metadata", {{"annotations", {{key("manual-run"), "x"}}}}}}}}}},
       "spec.executor.template.metadata.annotations must not have " + key("manual-run") + ours},
      {{{"driver", {{"template", {{"metadata", {{"namespace", "kube-system"}}}}}}}},
       "spec.driver.template.metadata.namespace must not be \"kube-system\": pods run in the "
       "namespace of their application, jobs"},
      {{{"executor", {{"template", {{"metadata", {{"namespace", "kube-system"}}}}}}}},
       "spec.executor.template.metadata.namespace must not be \"kube-system\": pods run in the "
       "namespace of their application, jobs"},
      {{{"driver", {{"serviceAccount", "kube-system/admin"}}}},
       "spec.driver.serviceAccount must not be \"kube-system/admin\": a name has at most 253 "
       "lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      CHECK(refusal(with(scala_application(), {{"spec", c.spec}})) == c.error);
    }
  }
}

TEST_CASE("what the service would write itself is no lie, and its own settings are no tenant's") {
  const json same = {
      {"sparkConf",
       {{"spark.kubernetes.namespace", "jobs"},
        {"spark.kubernetes.driver.label." + key("app-name"), "pi"}}},
      {"driver",
       {{"labels", {{key("app-name"), "pi"}, {key("launched-by-spark-operator"), "true"}}},
        {"template", {{"metadata", {{"namespace", "jobs"}}}}}}}};
  CHECK(refusal(with(scala_application(), {{"spec", same}})) == "");

  const json scheduled = {
      {"metadata", {{"labels", {{key("scheduled-app-name"), "nightly"}}}}},
      {"spec", {{"driver", {{"labels", {{key("scheduled-app-name"), "nightly"}}}}}}}};
  CHECK(refusal(with(scala_application(), scheduled)) == "");

  Context where = context();
  where.default_conf = {{"spark.kubernetes.container.image", "registry.example.com/spark:4.0.1"}};
  CHECK(properties(must_build(scala_application(), where)).contains("spark.master"));
}

TEST_CASE("a schedule is told what its template may not do by the path in the schedule") {
  const auto problem =
      check_template(with(scala_application(),
                          {{"spec", {{"sparkConf", {{"spark.kubernetes.container.image", "x"}}}}}}),
                     context(), "spec.template");
  REQUIRE(problem);
  CHECK(problem->message ==
        "spec.template.sparkConf must not set spark.kubernetes.container.image: use "
        "spec.template.image");
}
