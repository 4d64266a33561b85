// Why a run failed, in words: of exit codes, of pods, of logs.

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "runner/failure.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using runner::exit_in_words;
using runner::last_words;
using runner::one_line;
using runner::pod_end_in_words;

constexpr const char* kPython =
    "25/11/28 13:00:00 INFO SparkContext: Running Spark version 4.0.1\n"
    "Traceback (most recent call last):\n"
    "  File \"/app/etl.py\", line 7, in <module>\n"
    "    main()\n"
    "    ^^^^^^\n"
    "  File \"/app/etl.py\", line 3, in main\n"
    "    raise ValueError(\"no sales on 2026-11-27: nothing to load\")\n"
    "ValueError: no sales on 2026-11-27: nothing to load\n"
    "25/11/28 13:00:02 INFO ShutdownHookManager: Shutdown hook called\n"
    "25/11/28 13:00:02 INFO ShutdownHookManager: Deleting directory /tmp/spark-1\n";

constexpr const char* kPy4j =
    "Traceback (most recent call last):\n"
    "  File \"/app/etl.py\", line 7, in <module>\n"
    "py4j.protocol.Py4JJavaError: An error occurred while calling o45.save.\n"
    ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed 4 times\n"
    "\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala)\n"
    "\t... 1 more\n"
    "Caused by: java.io.FileNotFoundException: s3a://lake/in: no such file\n"
    "\tat org.apache.hadoop.fs.FileSystem.open(FileSystem.java:999)\n"
    "\t... 22 more\n\n";

constexpr const char* kJava =
    "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n"
    "\tat java.base/java.util.Arrays.copyOf(Arrays.java:3745)\n";

constexpr const char* kLogged =
    "25/11/28 13:00:00 ERROR SparkContext: Failed to add /app/x.jar to Spark environment\n"
    "25/11/28 13:00:00 WARN  TaskSetManager: Lost task\n"
    "2025-11-28T13:00:01,123 INFO  [shutdown-hook-0] SparkUI: Stopped Spark web UI\n";

json with_conditions(const json& conditions) {
  return {{"phase", "Running"}, {"conditions", conditions}};
}

}  // namespace

TEST_CASE("a log's last exception or last meaningful line says why") {
  struct Case {
    std::string name;
    std::string log;
    std::string words;
  };
  const Case cases[] = {
      {.name = "Python",
       .log = kPython,
       .words = "ValueError: no sales on 2026-11-27: nothing to load"},
      {.name = "Python through Java, the root of the causes",
       .log = kPy4j,
       .words = "java.io.FileNotFoundException: s3a://lake/in: no such file"},
      {.name = "a cause that says less than what it caused",
       .log = "Exception in thread \"main\" java.io.IOException: Cannot run program \"Rscript\": "
              "error=2, No such file or directory\n\tat java.lang.ProcessBuilder.start(P.java)\n"
              "Caused by: java.io.IOException: error=2, No such file or directory\n\t... 15 more\n",
       .words = "java.io.IOException: Cannot run program \"Rscript\": error=2, No such file or "
                "directory"},
      {.name = "Java", .log = kJava, .words = "java.lang.OutOfMemoryError: Java heap space"},
      {.name = "an error that was logged",
       .log = kLogged,
       .words = "SparkContext: Failed to add /app/x.jar to Spark environment"},
      {.name = "an exception that was logged",
       .log = "25/11/28 13:00:00 ERROR Main: java.lang.IllegalStateException: boom\n",
       .words = "Main: java.lang.IllegalStateException: boom"},
      {.name = "no exception at all",
       .log = "starting\n/app/run.sh: line 3: sparkk: command not found\n\n",
       .words = "/app/run.sh: line 3: sparkk: command not found"},
      {.name = "a word that is no level",
       .log = "the INFO table is missing\n",
       .words = "the INFO table is missing"},
      {.name = "progress alone",
       .log = "25/11/28 13:00:00 INFO A: done\n",
       .words = "25/11/28 13:00:00 INFO A: done"},
      {.name = "colours", .log = "\x1b[31mKeyError: 'x'\x1b[0m\n", .words = "KeyError: 'x'"},
      {.name = "an exception without a message",
       .log = "java.lang.StackOverflowError\n\tat A.b(A.java)\n",
       .words = "java.lang.StackOverflowError"},
      {.name = "nothing", .log = " \n\n", .words = ""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(last_words(c.log) == c.words);
    }
  }
}

TEST_CASE("the first line of a log that was cut is no line") {
  const std::string cut = "ption: a piece of a line\n" + std::string(2048, '.') + "\n  and so on\n";
  CHECK(last_words(cut) == "and so on");
  CHECK(last_words("Error: whole\n") == "Error: whole");
  CHECK(last_words(std::string(2048, 'x')) == std::string(2048, 'x'));
}

TEST_CASE("a column has whole words and at most 200 characters") {
  CHECK(one_line("short\nand more") == "short");
  CHECK(one_line("tab\tand \x01 ") == "tab and ?");
  std::string words;
  while (words.size() < 500)
    words += "öüä word ";
  const std::string cut = one_line(words);
  CHECK(cut.ends_with("…"));
  CHECK(cut.find("word…") + cut.find("öüä…") != 2 * std::string::npos);
  const auto characters = [](const std::string& text) {
    return std::count_if(text.begin(), text.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  };
  CHECK(characters(cut) <= 200);
  CHECK(characters(cut) > 190);
  CHECK(one_line(std::string(200, 'x')) == std::string(200, 'x'));
  CHECK(one_line(std::string(300, 'x')) == std::string(199, 'x') + "…");
  std::string umlauts;
  for (int i = 0; i < 300; ++i)
    umlauts += "ö";
  CHECK(one_line(umlauts) == umlauts.substr(0, 398) + "…");
}

TEST_CASE("exit codes have words of their own") {
  struct Case {
    int64_t code;
    std::string reason;
    std::string words;
  };
  const Case cases[] = {
      {.code = 3, .reason = "Error", .words = "failed with exit code 3"},
      {.code = 3, .reason = "Odd", .words = "failed with exit code 3 (Odd)"},
      {.code = 52, .reason = "Error", .words = "ran out of Java memory (exit code 52)"},
      {.code = 127,
       .reason = "Error",
       .words = "could not start: its command was not found (exit code 127)"},
      {.code = 137, .reason = "Error", .words = "was killed (exit code 137, SIGKILL)"},
      {.code = 137,
       .reason = "OOMKilled",
       .words = "used more memory than its limit and was killed (OOMKilled, exit code 137)"},
      {.code = 143, .reason = "Error", .words = "was stopped (exit code 143, SIGTERM)"},
      {.code = 128, .reason = "StartError", .words = "could not start (StartError, exit code 128)"},
      {.code = 137,
       .reason = "ContainerStatusUnknown",
       .words = "was lost with its node (ContainerStatusUnknown, exit code 137)"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.words) {
      CHECK(exit_in_words(c.code, c.reason) == c.words);
    }
  }
}

TEST_CASE("what Kubernetes does to a pod has words of its own") {
  CHECK(pod_end_in_words("Evicted", "The node was low on resource: memory.") ==
        "driver was evicted: The node was low on resource: memory.");
  CHECK(pod_end_in_words("NodeLost", "gone") == "the driver's node was lost: gone");
  CHECK(pod_end_in_words("DeadlineExceeded", "") == "driver ran longer than its pod may");
  CHECK(pod_end_in_words("OutOfcpu", "Node didn't have enough resource: cpu") ==
        "the node had no room for the driver (OutOfcpu): Node didn't have enough resource: cpu");
  CHECK(pod_end_in_words("Odd", "") == "driver pod failed (Odd)");
  CHECK(pod_end_in_words("", "something") == "driver pod failed: something");
  CHECK(pod_end_in_words("", "") == "");
}

TEST_CASE("a failed run says why in a sentence, and has the log below it") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(
      kube::pods(), world.driver_key, "/status",
      {{"phase", "Failed"},
       {"containerStatuses",
        {{{"name", config::kDriverContainer},
          {"state",
           {{"terminated", {{"exitCode", 1}, {"reason", "Error"}, {"message", kPython}}}}}}}}});
  world.settle();
  const std::string sentence =
      "driver failed with exit code 1: ValueError: no sales on 2026-11-27: nothing to load";
  CHECK(world.state() == "FAILED");
  CHECK(world.error() == sentence + "\n" + kPython);
  CHECK(world.application()["status"]["reason"] == sentence);
  CHECK(world.events_with("SparkApplication pi failed: " + sentence) == 1);
  CHECK(world.events_with("Traceback") == 0);
}

TEST_CASE("an evicted driver says so, whatever its container's exit code") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/status",
                {{"phase", "Failed"},
                 {"reason", "Evicted"},
                 {"message", "The node was low on resource: memory."},
                 {"containerStatuses",
                  {{{"name", config::kDriverContainer},
                    {"state", {{"terminated", {{"exitCode", 137}, {"reason", "Error"}}}}}}}}});
  world.settle();
  CHECK(world.error() ==
        "driver was evicted: The node was low on resource: memory. (exit code 137)");
}

TEST_CASE("a node that is lost is told while it is, and when the driver is gone with it") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/spec/nodeName", "n1");
  world.drivers_phase("Running");
  world.settle();
  CHECK(world.error() == "");
  world.api.set(kube::pods(), world.driver_key, "/status",
                with_conditions({{{"type", "Ready"}, {"status", "False"}},
                                 {{"type", "ContainersReady"}, {"status", "True"}}}));
  world.settle();
  CHECK(world.state() == "RUNNING");
  CHECK(world.error() == "the driver's node n1 is not ready, and does not say how the driver is");
  CHECK(world.events_with("SparkDriverUnknown") == 1);
  const std::string removed =
      "driver was removed from a node that is lost or not ready: Taint manager: deleting";
  world.api.set(kube::pods(), world.driver_key, "/status",
                with_conditions({{{"type", "DisruptionTarget"},
                                  {"status", "True"},
                                  {"reason", "DeletionByTaintManager"},
                                  {"message", "Taint manager: deleting"}}}));
  world.settle();
  CHECK(world.state() == "RUNNING");
  CHECK(world.error() == removed);
  world.api.erase(kube::pods(), world.driver_key);
  world.settle();
  CHECK(world.state() == "FAILED");
  CHECK(world.error() == "driver pod not found; before that: " + removed);
  CHECK(world.events_with("SparkDriverNotFound") == 1);
}

TEST_CASE("a readiness probe that fails is no lost node") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/status",
                with_conditions({{{"type", "Ready"}, {"status", "False"}},
                                 {{"type", "ContainersReady"}, {"status", "False"}}}));
  world.settle();
  CHECK(world.state() == "RUNNING");
  CHECK(world.error() == "");
}

}  // namespace tests
