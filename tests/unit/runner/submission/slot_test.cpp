#include "runner/submission/template_variables.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

json scheduled_application() {
  return with(
      scala_application(),
      {{"metadata",
        {{"name", "nightly-20260308t070000z"},
         {"labels", {{"sparkoperator.k8s.io/scheduled-app-name", "nightly"}, {"team", "data"}}},
         {"annotations",
          {{"sparkoperator.k8s.io/scheduled-time", "2026-03-08T07:00:00Z"},
           {"sparkoperator.k8s.io/scheduled-time-local", "2026-03-08T03:00:00-04:00"},
           {"sparkoperator.k8s.io/previous-scheduled-time", "2026-03-07T08:00:00Z"}}}}}});
}

std::string variable(const json& env, const std::string& name) {
  for (const json& entry : env) {
    if (entry["name"] == name) return entry.value("value", "");
  }
  return "(none)";
}

}  // namespace

TEST_CASE("driver and executors know the slot of their run") {
  const Submission built = must_build(scheduled_application());
  const json& annotations = built.driver_pod["metadata"]["annotations"];
  CHECK(annotations["sparkoperator.k8s.io/scheduled-time"] == "2026-03-08T07:00:00Z");
  CHECK(annotations["sparkoperator.k8s.io/previous-scheduled-time"] == "2026-03-07T08:00:00Z");

  const json& env = driver_container(built)["env"];
  CHECK(variable(env, "SPARKCRON_SCHEDULED_TIME") == "2026-03-08T07:00:00Z");
  CHECK(variable(env, "SPARKCRON_SCHEDULED_TIME_LOCAL") == "2026-03-08T03:00:00-04:00");
  CHECK(variable(env, "SPARKCRON_PREVIOUS_SCHEDULED_TIME") == "2026-03-07T08:00:00Z");

  const Conf conf = properties(built);
  CHECK(conf.at("spark.executorEnv.SPARKCRON_SCHEDULED_TIME") == "2026-03-08T07:00:00Z");
  CHECK(conf.at("spark.kubernetes.executor.annotation.sparkoperator.k8s.io/scheduled-time") ==
        "2026-03-08T07:00:00Z");
  for (const char* role : {"driver", "executor"}) {
    const std::string prefix = "spark.kubernetes." + std::string(role) + ".label.";
    CHECK(conf.at(prefix + "sparkoperator.k8s.io/scheduled-app-name") == "nightly");
    CHECK(conf.at(prefix + "team") == "data");
  }
}

TEST_CASE("a run without a slot has none of it") {
  const Submission built = must_build(scala_application());
  CHECK_FALSE(built.driver_pod["metadata"].contains("annotations"));
  CHECK(variable(driver_container(built)["env"], "SPARKCRON_SCHEDULED_TIME") == "(none)");
}

TEST_CASE("variables are replaced in arguments, environment and sparkConf") {
  const json application =
      with(scheduled_application(),
           {{"spec",
             {{"arguments", {"--day={{ .ScheduledDate }}", "{{.ScheduledTime}}"}},
              {"sparkConf", {{"spark.out", "/out/{{ .ScheduleName }}/{{ .RunName }}"}}},
              {"driver",
               {{"env", {{{"name", "LOCAL"}, {"value", "{{ .ScheduledTimeLocal }}"}}}},
                {"envVars", {{"PREVIOUS", "{{ .PreviousScheduledTime }}"}}}}},
              {"executor", {{"envVars", {{"NS", "{{ .Namespace }}"}}}}}}}});
  const Submission built = must_build(application);
  CHECK(built.warnings.empty());
  const json& container = driver_container(built);
  const json& args = container["args"];
  CHECK(args[args.size() - 2] == "--day=2026-03-08");
  CHECK(args.back() == "2026-03-08T07:00:00Z");
  CHECK(variable(container["env"], "LOCAL") == "2026-03-08T03:00:00-04:00");
  CHECK(variable(container["env"], "PREVIOUS") == "2026-03-07T08:00:00Z");
  CHECK(properties(built).at("spark.out") == "/out/nightly/nightly-20260308t070000z");
  CHECK(properties(built).at("spark.executorEnv.NS") == "jobs");
}

TEST_CASE("variables are replaced in labels and annotations, and what no label may be is refused") {
  const auto labelled = [](const json& owner, const std::string& value) {
    return with(owner, {{"spec",
                         {{"driver",
                           {{"labels", {{"day", value}}},
                            {"annotations", {{"slot", "{{ .ScheduledTime }}"}}},
                            {"serviceLabels", {{"of", "{{ .ScheduleName }}"}}}}},
                          {"executor", {{"labels", {{"day", value}}}}}}}});
  };
  const Submission built = must_build(labelled(scheduled_application(), "d-{{ .ScheduledDate }}"));
  CHECK(built.warnings.empty());
  const json& metadata = built.driver_pod["metadata"];
  CHECK(metadata["labels"]["day"] == "d-2026-03-08");
  CHECK(metadata["annotations"]["slot"] == "2026-03-08T07:00:00Z");
  CHECK(properties(built).at("spark.kubernetes.driver.service.label.of") == "nightly");
  CHECK(properties(built).at("spark.kubernetes.executor.label.day") == "d-2026-03-08");

  CHECK(refusal(labelled(scheduled_application(), "{{ .ScheduledTime }}"))
            .starts_with("spec.driver.labels.day must not be \"2026-03-08T07:00:00Z\": a label"));
  CHECK(refusal(labelled(scala_application(), "{{ .ScheduledDate }}")) ==
        "spec.driver.labels.day must not be \"{{ .ScheduledDate }}\": a variable without a value "
        "here cannot stand in a label");
}

TEST_CASE("what cannot be replaced stays, with a warning that says where") {
  const Submission built = must_build(with(
      scala_application(), {{"spec",
                             {{"arguments", {"{{ .ScheduledTime }}"}},
                              {"sparkConf",
                               {{"spark.x", "{{ .Typo }}"},
                                {"spark.kubernetes.driver.annotation.app", "{{APP_ID}}"}}}}}}));
  CHECK(driver_container(built)["args"].back() == "{{ .ScheduledTime }}");
  CHECK(built.warnings ==
        std::vector<std::string>{
            "spec.arguments[0]: {{ .ScheduledTime }} has no value and stays as it is",
            "spec.sparkConf.spark.x: {{ .Typo }} has no value and stays as it is"});
}

TEST_CASE("substitute") {
  const Conf variables = {{"RunName", "r"}, {"ScheduleName", "{{ .RunName }}"}, {"Empty", ""}};
  struct Case {
    const char* text;
    const char* result;
    size_t unknown;
  };
  constexpr Case kCases[] = {
      {"", "", 0},
      {"plain", "plain", 0},
      {"{{ .RunName }}", "r", 0},
      {"{{.RunName}}", "r", 0},
      {"{{\t.RunName  }}", "r", 0},
      {"a{{ .RunName }}b{{ .RunName }}c", "arbrc", 0},
      {"[{{ .Empty }}]", "[]", 0},
      {"{{ .ScheduleName }}", "{{ .RunName }}", 0},  // not replaced again
      {"{{ RunName }}", "{{ RunName }}", 1},
      {"{{ .runname }}", "{{ .runname }}", 1},
      {"{{}}", "{{}}", 1},
      {"{{ {{ .RunName }}", "{{ r", 0},
      {"{{ .RunName }} }}", "r }}", 0},
      {"}}{{", "}}{{", 0},
      {"{{ .RunName", "{{ .RunName", 0},
      {"{ { .RunName } }", "{ { .RunName } }", 0},
      {"{{{ .RunName }}}", "{r}", 0},
      {"{{APP_ID}}/{{EXECUTOR_ID}}", "{{APP_ID}}/{{EXECUTOR_ID}}", 0},
  };
  for (const Case& c : kCases) {
    DYNAMIC_SECTION("'" << c.text << "'") {
      const Substitution done = substitute(c.text, variables);
      CHECK(done.text == c.result);
      CHECK(done.unknown.size() == c.unknown);
    }
  }
}
