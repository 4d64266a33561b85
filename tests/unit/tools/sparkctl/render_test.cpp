// `sparkctl render`, through its command line: no server, no kubeconfig.

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/yaml/yaml.h"
#include "runner/submission/conf.h"
#include "runner/submission/names.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/unit/runner/submission/recording.h"
#include "tests/unit/tools/sparkctl/in_process.h"

namespace {

using namespace sparkctl;
using namespace sparkctl::test;
using nlohmann::json;
using runner::submission::replace_all;

constexpr const char* kNoUid = "00000000-0000-0000-0000-000000000000";

Ran render(std::vector<std::string> arguments, const Variables& variables = {},
           const std::string& input = "") {
  arguments.insert(arguments.begin(), "render");
  return run_sparkctl(arguments, variables, input);
}
Ran render_text(const std::string& manifest, std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), {"-f", "-"});
  return render(std::move(arguments), {}, manifest);
}

void write(const tests::Folder& folder, const std::string& file, const json& content) {
  const auto path = folder.path() / file;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << (content.is_string() ? content.get<std::string>() : "\xff\xfe");
}

constexpr const char* kApplication = R"(
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {name: pi, namespace: jobs}
spec:
  type: Scala
  sparkVersion: 4.0.1
  image: spark:4.0.1
  mainClass: org.apache.spark.examples.SparkPi
  mainApplicationFile: local:///opt/spark/examples.jar
  arguments: ["it's 1000"]
  sparkConf: {spark.eventLog.enabled: "true"}
  driver: {cores: 1, memory: 512m, env: [{name: A, value: b}]}
  executor: {instances: 2, memory: 512m}
)";
constexpr const char* kSchedule = R"(
apiVersion: sparkoperator.k8s.io/v1beta2
kind: ScheduledSparkApplication
metadata: {name: nightly, namespace: jobs}
spec:
  schedule: "0 2 * * *"
  timeZone: Europe/Berlin
  template:
    type: Python
    sparkVersion: 4.0.1
    image: spark:4.0.1
    mainApplicationFile: local:///opt/etl.py
    arguments: ["--day", "{{ .ScheduledDate }}"]
    driver: {memory: 512m}
    executor: {memory: 512m}
)";

// The command's objects, with the ids that recordings are compared by.
json submitted(const std::string& text, const std::string& folder) {
  const auto ids = runner::submission::submission_ids(kNoUid, 1, 1);
  const std::string app_id = "spark-0123456789abcdef0123456789abcdef";
  std::string changed = replace_all(text, runner::submission::default_local_dir(ids.app_id),
                                    runner::submission::default_local_dir(app_id));
  changed = replace_all(std::move(changed), ids.app_id, app_id);
  changed = replace_all(std::move(changed), ids.unique_id, "a1b2c3d4e5f60718");
  return json::parse(replace_all(std::move(changed), folder, "$CASE_DIR")).at("items");
}

struct Door {
  std::vector<std::string> arguments;
  Variables variables;
};
Door door_of(const runner::submission::test::Recording& recording, const tests::Folder& folder) {
  Door door{.arguments = {"--spark-submit", "--spark-version", recording.version, "-o", "json",
                          "--at", "2023-11-14T22:13:20.123Z", "--"},
            .variables = recording.json["env"].get<Variables>()};
  door.variables["HADOOP_USER_NAME"] = recording.json["os_user"].get<std::string>();
  for (const auto& [name, content] : recording.json["files"].items())
    write(folder, name, content);
  for (const auto& [name, content] : recording.json["conf_files"].items()) {
    write(folder, "conf-folder/" + name, content);
    door.variables["SPARK_CONF_DIR"] = (folder.path() / "conf-folder").string();
  }
  for (const json& argument : recording.json["args"]) {
    std::string text = argument.get<std::string>();
    std::erase(text, '\r');  // as the shell script in front of spark-submit loses them
    door.arguments.push_back(replace_all(std::move(text), "$CASE_DIR", folder.path().string()));
  }
  return door;
}

void check_recording(const std::string& version, const std::string& name) {
  using namespace runner::submission::test;
  const Recording recording = load_recording(version, name);
  const tests::Folder folder;
  const Door door = door_of(recording, folder);
  const Ran ran = render(door.arguments, door.variables);
  INFO(ran.err);
  if (const std::string error = recorded_error(recording); !error.empty()) {
    CHECK(ran.code == kRefused);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(error) != std::string::npos);
    return;
  }
  REQUIRE(ran.code == kDone);
  json items = submitted(ran.out, folder.path().string());
  runner::submission::Submission made;
  made.driver_pod = items.back();
  items.erase(items.size() - 1);
  made.before_pod = items.get<std::vector<json>>();
  CHECK(json::diff(normalised_recording(recording), normalised(made)).dump(1) == "[]");
}

}  // namespace

TEST_CASE("render --spark-submit prints what the real spark-submit sent") {
  constexpr const char* kCases[] = {"default_java",
                                    "default_python",
                                    "env_plain",
                                    "env_secret_key_ref",
                                    "memory_flags",
                                    "name_cjk",
                                    "properties_file",
                                    "properties_escaping",
                                    "conf_folder",
                                    "template_both",
                                    "template_sidecars",
                                    "credentials_files",
                                    "local_dirs_environment",
                                    "hadoop_config_map",
                                    "arguments_odd",
                                    "volume_pvc_on_demand",
                                    "dynamic_allocation",
                                    "operator_java",
                                    "deps_remote",
                                    "kerberos_token_secret",
                                    "error_missing_image",
                                    "error_no_main_class",
                                    "volume_error_duplicate_mount_path"};
  for (const char* version : {"3.5.8", "4.0.1"}) {
    for (const char* name : kCases) {
      DYNAMIC_SECTION(version << " " << name) {
        check_recording(version, name);
      }
    }
  }
  for (const char* name : {"env_spark_user", "python_interpreter_environment",
                           "properties_file_precedence", "properties_defaults"}) {
    DYNAMIC_SECTION("4.0.1 " << name) {
      check_recording("4.0.1", name);
    }
  }
}

TEST_CASE("the environment counts at spark-submit's door and nowhere else") {
  const Variables variables{{"SPARK_DRIVER_MEMORY", "3g"}, {"SPARK_EXECUTOR_CORES", "3"}};
  std::vector<std::string> arguments = {"--spark-submit", "-o",
                                        "json",           "--",
                                        "--master",       "k8s://https://k8s:6443",
                                        "--deploy-mode",  "cluster",
                                        "--class",        "Main",
                                        "--conf",         "spark.kubernetes.container.image=i"};
  const auto memory_of = [](const Ran& ran) {
    return json::parse(ran.out)["items"].back()["spec"]["containers"].back()["resources"]["limits"]
                                                                            ["memory"];
  };
  std::vector<std::string> flagged = arguments;
  arguments.emplace_back("local:///a.jar");
  const Ran by_variable = render(arguments, variables);
  REQUIRE(by_variable.code == kDone);
  CHECK(memory_of(by_variable) == "3456Mi");
  CHECK(by_variable.out.find("spark.executor.cores=3") != std::string::npos);
  flagged.insert(flagged.end(), {"--driver-memory", "1g", "local:///a.jar"});
  CHECK(memory_of(render(flagged, variables)) == "1408Mi");

  const Ran manifest = render({"-f", "-", "-o", "json"}, variables, kApplication);
  REQUIRE(manifest.code == kDone);
  CHECK(memory_of(manifest) == "896Mi");
}

TEST_CASE("files of the conf folder travel as far as the setting for a ConfigMap has room") {
  const tests::Folder folder;
  write(folder, "small.txt", "s");
  write(folder, "larger.txt", std::string(300, 'x'));
  write(folder, "spark-defaults.conf", "spark.app.name from-the-folder\n");
  const Variables variables{{"SPARK_CONF_DIR", folder.path().string()}};
  const auto with_room = [&](const std::string& room) {
    return render({"--spark-submit", "--", "--master", "k8s://https://k8s:6443", "--deploy-mode",
                   "cluster", "--class", "Main", "--conf", "spark.kubernetes.container.image=i",
                   "--conf", "spark.kubernetes.configMap.maxSize=" + room, "local:///a.jar"},
                  variables);
  };
  const Ran wide = with_room("1000");
  CHECK(wide.out.find("larger.txt") != std::string::npos);
  const Ran narrow = with_room("300");
  CHECK(narrow.out.find("larger.txt") == std::string::npos);
  CHECK(narrow.out.find("small.txt") != std::string::npos);
  CHECK(narrow.out.find("from-the-folder") != std::string::npos);
  const Ran wrong = with_room("much");
  CHECK(wrong.code == kRefused);
  CHECK(wrong.err.find("spark.kubernetes.configMap.maxSize should be long, but was much") !=
        std::string::npos);
}

TEST_CASE("an application's objects come in the order of their creation, with their owner") {
  const Ran ran = render_text(kApplication, {"-o", "json"});
  INFO(ran.err);
  REQUIRE(ran.code == kDone);
  const json items = json::parse(ran.out)["items"];
  REQUIRE(items.size() >= 3);
  CHECK(items.back()["kind"] == "Pod");
  CHECK(items.back()["metadata"]["name"] == "pi-driver");
  for (const json& item : items) {
    CHECK(item["metadata"]["namespace"] == "jobs");
    CHECK(item["metadata"]["ownerReferences"][0]["name"] == "pi");
  }
  CHECK(render_text(kApplication, {"-o", "json"}).out == ran.out);

  const Ran names = render_text(kApplication, {"-o", "name"});
  CHECK(names.out.ends_with("pod/pi-driver\n"));
  const auto documents = base::yaml::parse_all(render_text(kApplication).out);
  REQUIRE(documents.has_value());
  CHECK(json(*documents) == items);
}

TEST_CASE("as a configuration it is a command line that a shell takes") {
  const Ran text = render_text(kApplication, {"--as-conf"});
  CHECK(text.code == kDone);
  CHECK(text.out.starts_with("# SparkApplication jobs/pi\n"));
  CHECK(text.out.find("spark-submit \\\n  --deploy-mode cluster \\\n") != std::string::npos);
  CHECK(text.out.find("  --conf spark.eventLog.enabled=true \\\n") != std::string::npos);
  CHECK(text.out.ends_with("local:///opt/spark/examples.jar 'it'\\''s 1000'\n"));
  const json object = json::parse(render_text(kApplication, {"--as-conf", "-o", "json"}).out);
  CHECK(object["conf"]["spark.driver.memory"] == "512m");
  CHECK(object["mainClass"] == "org.apache.spark.examples.SparkPi");
  CHECK(object["arguments"] == json::array({"it's 1000"}));

  // spark-submit's door makes the same of it.
  std::vector<std::string> arguments{
      "--spark-submit", "-o",     "name", "--",      "--deploy-mode",
      "cluster",        "--name", "pi",   "--class", object["mainClass"].get<std::string>()};
  for (const auto& [key, value] : object["conf"].items())
    arguments.insert(arguments.end(), {"--conf", key + "=" + value.get<std::string>()});
  arguments.push_back(object["mainApplicationFile"].get<std::string>());
  const Ran again = render(arguments);
  INFO(again.err);
  CHECK(again.code == kDone);
  CHECK(again.out.ends_with("pod/pi-driver\n"));
}

TEST_CASE("a schedule renders the run of a slot with its variables replaced") {
  const Ran ran = render_text(kSchedule, {"--at", "2026-03-08T01:00:00Z", "-o", "json"});
  INFO(ran.err);
  REQUIRE(ran.code == kDone);
  const json items = json::parse(ran.out)["items"];
  CHECK(items[0]["kind"] == "SparkApplication");
  CHECK(items[0]["metadata"]["name"] == "nightly-20260308t010000z");
  CHECK(items.back()["spec"]["containers"].back()["args"].back() == "2026-03-08");

  // Warnings, too, speak of what people wrote.
  const std::string more = std::string(kSchedule) + "    failureRetries: 3\n";
  CHECK(
      render_text(more).err ==
      "sparkctl: warning: ScheduledSparkApplication jobs/nightly: spec.template.failureRetries has "
      "no effect; spec.template.restartPolicy has fields for this\n");

  const Ran between = render_text(kSchedule, {"--at", "2026-03-08T01:30:00Z"});
  CHECK(between.code == kRefused);
  CHECK(between.err.find("--at 2026-03-08T01:30:00Z is no slot of this schedule; the next one is "
                         "2026-03-09T01:00:00Z") != std::string::npos);
  CHECK(render_text(kSchedule).out.find("kind: SparkApplication") != std::string::npos);
}

TEST_CASE("what is refused says where, and writes nothing") {
  const std::string application = kApplication;
  struct Case {
    const char* name;
    std::string manifest;
    std::vector<std::string> arguments;
    std::string error;
  };
  const Case cases[] = {
      {"unknown field",
       replace_all(application, "value: b", "valuefrom: {}"),
       {},
       "standard input: SparkApplication \"pi\": unknown field \"spec.driver.env[0].valuefrom\""},
      {"wrong type",
       replace_all(application, "value: b", "value: 1"),
       {},
       "spec.driver.env[0].value: Invalid value:"},
      {"beyond the schema",
       replace_all(application, "memory: 512m", "memory: lots"),
       {},
       "spec.driver.memory must be a size"},
      {"name",
       replace_all(application, "name: pi", "name: Pi_1"),
       {},
       "metadata.name: Invalid value: \"Pi_1\": a lowercase RFC 1123 subdomain must consist of"},
      {"label",
       replace_all(application, "name: pi", "labels: {team: data science}, name: pi"),
       {},
       "metadata.labels: Invalid value: \"data science\": a valid label must be"},
      {"not supported",
       replace_all(application, "spark.eventLog.enabled: \"true\"",
                   "spark.kubernetes.kerberos.krb5.path: /etc/krb5.conf"),
       {},
       "spark.kubernetes.kerberos.krb5.path names a file of the submitting machine"},
      {"schedule",
       replace_all(std::string(kSchedule), "0 2 * * *", "75 2 * * *"),
       {},
       "ScheduledSparkApplication \"nightly\": spec.schedule: minute: 75 is out of range"},
      {"a schedule's template",
       replace_all(std::string(kSchedule), "memory: 512m", "memory: lots"),
       {},
       "ScheduledSparkApplication \"nightly\": spec.template.driver.memory must be a size"},
      {"time", application, {"--at", "noon"}, "--at: \"noon\" is not an RFC 3339 time"},
      {"conf", application, {"--conf", "x"}, "--conf x: KEY=VALUE expected"},
      {"no application", "kind: Role\napiVersion: v1\n", {}, "no SparkApplication"},
      {"second of two",
       application + "---\n" + replace_all(application, "type: Scala", "type: C"),
       {},
       "spec.type: Unsupported value: \"C\""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Ran ran = render_text(c.manifest, c.arguments);
      INFO(ran.err);
      CHECK(ran.code == kRefused);
      CHECK(ran.out.empty());
      CHECK(ran.err.find(c.error) != std::string::npos);
    }
  }
}

TEST_CASE("all manifests that are refused are told at once") {
  const std::string application = kApplication;
  const Ran ran =
      render_text(replace_all(application, "type: Scala", "type: C") + "---\n" + application +
                  "---\n" + replace_all(kSchedule, "0 2 * * *", "75 2 * * *"));
  CHECK(ran.code == kRefused);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err,
             Catch::StartsWith("sparkctl: 2 of 3 are refused:\n  standard input: SparkApplication "
                               "\"pi\": spec.type: Unsupported value: \"C\""));
  CHECK_THAT(ran.err, Catch::Contains("\n  standard input: ScheduledSparkApplication \"nightly\": "
                                      "spec.schedule: minute: 75 is out of range"));
}

TEST_CASE("objects as kubectl prints them from a cluster are rendered like what people wrote") {
  json schedule = *base::yaml::parse(kSchedule);
  schedule["metadata"].update({{"uid", "1f9f7b43-0000-4000-8000-000000000000"},
                               {"resourceVersion", "71"},
                               {"generation", 2},
                               {"creationTimestamp", "2026-03-01T00:00:00Z"}});
  schedule["status"] = {{"lastRun", "2026-03-07T01:00:00Z"},
                        {"lastRunName", "nightly-1772845200000000000"},
                        {"nextRun", "2026-03-08T01:00:00Z"},
                        {"pastSuccessfulRunNames", {"nightly-1772845200000000000"}},
                        {"scheduleState", "Scheduled"}};
  const json list = {{"apiVersion", "v1"},
                     {"kind", "List"},
                     {"metadata", {{"resourceVersion", ""}}},
                     {"items", json::array({schedule})}};
  const Ran ran = render_text(list.dump(), {"--at", "2026-03-08T01:00:00Z", "-o", "name"});
  INFO(ran.err);
  CHECK(ran.code == kDone);
  CHECK_THAT(ran.out, Catch::Contains("pod/nightly-20260308t010000z-driver\n"));
  CHECK(ran.err.empty());
}

TEST_CASE("render's usage is checked, and its help has examples") {
  CHECK(render({}).code == kUsage);
  CHECK(render({"--spark-submit"}).code == kUsage);
  CHECK(render({"-f", "a.yaml", "--spark-submit", "--", "a.jar"}).code == kUsage);
  CHECK(render({"-f", "/nonexistent/app.yaml"}).code == kNotFound);
  CHECK(render({"--spark-submit", "--spark-version", "four", "--", "a.jar"}).code == kRefused);
  const Ran help = render({"--help"});
  CHECK(help.code == kDone);
  CHECK(help.out.find("sparkctl render -f app.yaml --as-conf") != std::string::npos);
}
