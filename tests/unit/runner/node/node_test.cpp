// The node with real processes over an API in memory.

#include "runner/node/node.h"

#include <csignal>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "runner/node/journal.h"
#include "runner/node/processes.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"
#include "tests/unit/runner/node/observe.h"

using nlohmann::json;
using tests::await;
using tests::living;
using tests::NodeBed;
using tests::shell_pod;
using tests::text_of;
using tests::waiting_message;
namespace fs = std::filesystem;

namespace {

std::string unschedulable(const json& pod) {
  const json* conditions = base::find(pod, {"status", "conditions"});
  if (conditions == nullptr) return {};
  for (const json& condition : *conditions)
    if (condition["type"] == "PodScheduled" && condition["status"] == "False")
      return condition.value("message", "");
  return {};
}

json with_memory(json pod, const std::string& memory) {
  pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = memory;
  return pod;
}

}  // namespace

TEST_CASE("a pod runs as a process and its outcome is reported") {
  NodeBed bed;
  bed.start();
  bed.create(shell_pod("good", "echo hello; echo to stderr >&2"));
  bed.create(shell_pod("bad", "echo broken; exit 3"));
  bed.create(shell_pod("killed", "kill -9 $$$$"));
  REQUIRE(bed.await_phase("good", "Succeeded"));
  REQUIRE(bed.await_phase("bad", "Failed"));
  REQUIRE(bed.await_phase("killed", "Failed"));
  CHECK(bed.terminated("good").value("reason", "") == "Completed");
  CHECK(bed.terminated("bad").value("exitCode", 0) == 3);
  CHECK(bed.terminated("bad").value("reason", "") == "Error");
  CHECK(bed.terminated("killed").value("exitCode", 0) == 137);
  CHECK(bed.terminated("killed").value("signal", 0) == 9);
  CHECK(bed.log("good") == "hello\nto stderr\n");
  CHECK(base::string_at(bed.pod("good"), {"spec", "nodeName"}) == "local");
  CHECK(base::string_at(bed.pod("good"), {"status", "podIP"}).starts_with("127."));
  CHECK(base::string_at(bed.api.peek(kube::nodes(), {"", "local"}),
                        {"status", "nodeInfo", "operatingSystem"}) == "linux");
  const auto events = bed.events.all();
  CHECK(std::count(events.begin(), events.end(),
                   "RunsAsProcess: Runs as a process of this machine with its own Spark; not used: "
                   "image busybox") == 3);
}

TEST_CASE("a pod's environment is made from scratch") {
  ::setenv("SPARKCRON_TEST_LEAK", "leaked", 1);
  NodeBed bed;
  bed.start();
  bed.create(shell_pod("env", "env; pwd; ls /proc/self/fd | wc -l"));
  REQUIRE(bed.await_phase("env", "Succeeded"));
  ::unsetenv("SPARKCRON_TEST_LEAK");
  const std::string log = bed.log("env");
  INFO(log);
  CHECK(log.find("SPARKCRON_TEST_LEAK") == std::string::npos);
  CHECK(log.find("KUBECONFIG=/dev/null\n") != std::string::npos);
  CHECK(log.find("HOME=" + bed.options.data_dir.string() + "/pods/") != std::string::npos);
  CHECK(log.find("/containers/main/cwd\n") != std::string::npos);
  // stdin, stdout, stderr and the one that ls opened.
  CHECK(log.ends_with("\n4\n"));
}

TEST_CASE("a fake driver gets the image's command line, its configuration and its token") {
  NodeBed bed;
  bed.use_fake_spark(
      "echo \"$@\"; cat \"$SPARK_CONF_DIR/spark.properties\"; "
      "for a; do case $a in *oauthTokenFile=*) cat ${a#*oauthTokenFile=};; esac; done; exit 4\n");
  bed.start();
  bed.create(tests::driver_pod("d", {"--class", "C", "local:///opt/spark/x.py"}));
  // Its ConfigMap comes late: the pod waits and says for what.
  REQUIRE(bed.api.await(kube::pods(), {"default", "d"}, [](const json* pod) {
    return pod != nullptr && waiting_message(*pod).ends_with("configmap \"d-conf-map\" not found");
  }));
  bed.api.create(kube::config_maps(),
                 tests::driver_config_map("d", "spark.jars=local\\:///opt/spark/a.jar\n"));
  REQUIRE(bed.await_phase("d", "Failed"));
  const std::string log = bed.log("d");
  INFO(log);
  CHECK(log.find("--conf spark.kubernetes.driver.master=http://127.0.0.1:1") != std::string::npos);
  CHECK(log.find("local://" + bed.options.spark_home + "/x.py") != std::string::npos);
  CHECK(log.find("spark.jars=local\\://" + bed.options.spark_home + "/a.jar") != std::string::npos);
  CHECK(log.ends_with("secret-token"));
  // FallbackToLogsOnError
  CHECK(bed.terminated("d").value("message", "") == log);
}

TEST_CASE("volumes are folders, and text that names them is rewritten") {
  NodeBed bed;
  bed.start();
  bed.api.create(kube::config_maps(), {{"metadata", {{"name", "cm"}, {"namespace", "default"}}},
                                       {"data", {{"k", "from cm"}}}});
  bed.api.create(kube::secrets(), {{"metadata", {{"name", "s"}, {"namespace", "default"}}},
                                   {"data", {{"k", "ZnJvbSBzZWNyZXQ="}}}});
  bed.api.create(kube::persistent_volume_claims(),
                 {{"metadata", {{"name", "claim"}, {"namespace", "default"}}}});
  const auto pod_with = [&](const std::string& name, const std::string& script) {
    json pod = shell_pod(name, script);
    pod["spec"]["volumes"] = json::array(
        {{{"name", "e"}, {"emptyDir", json::object()}},
         {{"name", "c"},
          {"configMap",
           {{"name", "cm"}, {"items", {{{"key", "k"}, {"path", "d/k"}, {"mode", 256}}}}}}},
         {{"name", "s"}, {"secret", {{"secretName", "s"}}}},
         {{"name", "h"}, {"hostPath", {{"path", bed.folder.path().string()}}}},
         {{"name", "p"}, {"persistentVolumeClaim", {{"claimName", "claim"}}}},
         {{"name", "w"},
          {"projected",
           {{"sources",
             {{{"downwardAPI",
                {{"items",
                  {{{"path", "n"}, {"fieldRef", {{"fieldPath", "metadata.name"}}}},
                   {{"path", "m"},
                    {"resourceFieldRef",
                     {{"containerName", "main"},
                      {"resource", "limits.memory"},
                      {"divisor", "1Mi"}}}}}}}}},
              {{"clusterTrustBundle", {{"path", "ca"}, {"optional", true}}}}}}}}},
         {{"name", "q"},
          {"ephemeral", {{"volumeClaimTemplate", {{"spec", {{"storageClassName", "fast"}}}}}}}}});
    pod["spec"]["containers"][0]["resources"] = {{"limits", {{"memory", "64Mi"}}}};
    json mounts = json::array();
    for (const char* volume : {"e", "c", "s", "h", "p", "w", "q"})
      mounts.push_back({{"name", volume}, {"mountPath", std::string("/mnt/") + volume}});
    mounts.push_back({{"name", "e"}, {"mountPath", "/mnt/sub"}, {"subPath", "x/y"}});
    pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    return pod;
  };
  bed.create(pod_with("one",
                      "cat /mnt/c/d/k; stat -c ' %a' /mnt/c/d/k; cat /mnt/s/k /mnt/w/n /mnt/w/m; "
                      "echo; echo own > /mnt/q/f; cat /mnt/q/f; "
                      "echo kept > /mnt/p/f; echo host > /mnt/h/f; echo sub > /mnt/sub/f; "
                      "cat /mnt/e/x/y/f"));
  REQUIRE(bed.await_phase("one", "Succeeded"));
  CHECK(bed.log("one") == "from cm 400\nfrom secretone64\nown\nsub\n");
  CHECK(text_of(bed.folder.path() / "f") == "host\n");
  bed.create(pod_with("two", "cat /mnt/p/f; ls -A /mnt/e /mnt/q | grep -x f"));
  REQUIRE(bed.await_phase("two", "Failed"));
  CHECK(bed.log("two") == "kept\n");
  CHECK(base::string_at(bed.api.peek(kube::persistent_volume_claims(), {"default", "claim"}),
                        {"status", "phase"}) == "Bound");
}

TEST_CASE("several containers: init first, all mains together, sidecars end last") {
  NodeBed bed;
  bed.start();
  json pod =
      shell_pod("many", "while [ ! -e /mnt/traps ]; do sleep 0.05; done; cat /mnt/f; echo done");
  json second = pod["spec"]["containers"][0];
  second["name"] = "second";
  second["command"][2] = "exit 0";
  pod["spec"]["containers"].push_back(second);
  json init = second;
  init["name"] = "init";
  init["command"][2] = "echo from init > /mnt/f";
  json sidecar = second;
  sidecar["name"] = "sidecar";
  sidecar["restartPolicy"] = "Always";
  sidecar["command"][2] =
      "trap 'echo told to stop; exit 7' TERM; : > /mnt/traps; while :; do sleep 0.05; done";
  pod["spec"]["initContainers"] = {init, sidecar};
  pod["spec"]["volumes"] = {{{"name", "v"}, {"emptyDir", json::object()}}};
  for (json* container : {&pod["spec"]["containers"][0], &pod["spec"]["initContainers"][0],
                          &pod["spec"]["initContainers"][1]})
    (*container)["volumeMounts"] = {{{"name", "v"}, {"mountPath", "/mnt"}}};
  bed.create(pod);
  REQUIRE(bed.await_phase("many", "Succeeded"));
  CHECK(bed.log("many", "main") == "from init\ndone\n");
  CHECK(bed.log("many", "sidecar") == "told to stop\n");

  json failing = pod;
  failing["metadata"]["name"] = "failing";
  failing["spec"]["initContainers"] = json::array({init});
  failing["spec"]["initContainers"][0]["command"][2] = "exit 5";
  bed.create(failing);
  REQUIRE(bed.await_phase("failing", "Failed"));
  CHECK(base::string_at(bed.pod("failing"), {"status", "reason"}) == "InitContainerFailed");
  CHECK(base::string_at(bed.pod("failing"), {"status", "message"}) ==
        "init container \"init\" ended with exit code 5 (Error)");
  const json failing_status = bed.pod("failing")["status"]["initContainerStatuses"][0];
  CHECK(base::integer_at(failing_status, {"state", "terminated", "exitCode"}) == 5);
  CHECK(bed.log("failing", "main") ==
        "container \"main\" in pod \"failing\" is waiting to start: ContainerCreating");
}

TEST_CASE("what cannot run is refused by name, what cannot start says why") {
  NodeBed bed;
  bed.start();
  json probe = shell_pod("probe", "true");
  probe["spec"]["containers"][0]["livenessProbe"] = {{"exec", {{"command", {"true"}}}}};
  bed.create(probe);
  REQUIRE(bed.await_phase("probe", "Failed"));
  CHECK(base::string_at(bed.pod("probe"), {"status", "reason"}) == "UnsupportedFeature");
  CHECK(base::string_at(bed.pod("probe"), {"status", "message"}) ==
        "container \"main\": livenessProbe is not supported by the process node");
  json missing = shell_pod("missing", "true");
  missing["spec"]["containers"][0]["command"] = {"/no/such/program"};
  bed.create(missing);
  REQUIRE(bed.await_phase("missing", "Failed"));
  CHECK(bed.terminated("missing").value("reason", "") == "StartError");
  CHECK(bed.terminated("missing").value("exitCode", 0) == 128);
  CHECK(bed.terminated("missing").value("message", "") == "No such file or directory");
}

TEST_CASE("what does not fit waits, says what is short, and runs when something ends") {
  NodeBed bed;
  bed.options.capacity = {.memory_bytes = int64_t{1} << 30, .pods = 9};
  bed.start();
  bed.create(with_memory(shell_pod("first", "while [ ! -e " + bed.folder.path().string() +
                                                "/go ]; do sleep 0.02; done"),
                         "700Mi"));
  REQUIRE(bed.await_phase("first", "Running"));
  bed.create(with_memory(shell_pod("second", "true"), "400Mi"));
  REQUIRE(bed.api.await(kube::pods(), {"default", "second"}, [](const json* pod) {
    return pod != nullptr &&
           unschedulable(*pod) == "0/1 nodes are available: 1 Insufficient memory.";
  }));
  CHECK(base::string_at(bed.pod("second"), {"status", "phase"}) == "Pending");
  CHECK(base::string_at(bed.pod("second"), {"spec", "nodeName"}).empty());
  bed.create(with_memory(shell_pod("third", "true"), "100Mi"));
  REQUIRE(bed.await_phase("third", "Succeeded"));
  std::ofstream(bed.folder.path() / "go") << "";
  REQUIRE(bed.await_phase("second", "Succeeded"));
}

TEST_CASE("a pod waits for a label until somebody puts it on the node object") {
  NodeBed bed;
  bed.options.look_again = std::chrono::milliseconds(20);
  bed.start();
  json asking = shell_pod("asking", "true");
  asking["spec"]["nodeSelector"] = {{"disk", "ssd"}};
  bed.create(asking);
  REQUIRE(bed.api.await(kube::pods(), {"default", "asking"}, [](const json* pod) {
    return pod != nullptr &&
           unschedulable(*pod) ==
               "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
  }));
  // Pods are looked at beside the registration: the answer may be there before the node object.
  REQUIRE(bed.api.await(kube::nodes(), {"", bed.options.name},
                        [](const json* node) { return node != nullptr; }));
  const auto labelled =
      bed.api.patch(kube::nodes(), {"", bed.options.name}, kube::PatchType::MergePatch,
                    {{"metadata", {{"labels", {{"disk", "ssd"}}}}}}, {});
  INFO((labelled ? "" : labelled.error().message));
  REQUIRE(labelled);
  REQUIRE(bed.await_phase("asking", "Succeeded"));
}

TEST_CASE("a deleted pod goes only when none of its processes lives") {
  NodeBed bed;
  bed.start();
  // It ignores SIGTERM, and its child leaves session and group.
  const json pod =
      bed.create(shell_pod("stubborn",
                           "setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & "
                           "trap '' TERM; echo up; while :; do sleep 0.05; done"));
  const std::string uid = kube::uid_of(pod);
  REQUIRE(bed.await_phase("stubborn", "Running"));
  REQUIRE(await([&] { return bed.log("stubborn") == "up\n" && living(uid) >= 2; }));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "stubborn"},
                         {.grace_period = std::chrono::seconds(1)}));
  size_t left = 99;
  REQUIRE(bed.api.await(kube::pods(), {"default", "stubborn"}, [&](const json* now) {
    if (now == nullptr) left = living(uid);
    return now == nullptr;
  }));
  CHECK(left == 0);
  CHECK(await([&] { return !fs::exists(bed.options.data_dir / "pods" / uid); }));
}

TEST_CASE("SIGTERM gives the main process its grace period") {
  NodeBed bed;
  bed.start();
  bed.create(shell_pod("polite", "trap 'echo bye > " + bed.folder.path().string() +
                                     "/bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"));
  REQUIRE(await([&] { return bed.log("polite") == "up\n"; }));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "polite"}, {}));
  REQUIRE(bed.await_gone("polite"));
  CHECK(text_of(bed.folder.path() / "bye") == "bye\n");
}

TEST_CASE("a pod that is removed by force is stopped all the same") {
  NodeBed bed;
  bed.start();
  const std::string uid = kube::uid_of(bed.create(shell_pod("forced", "exec sleep 1000")));
  REQUIRE(bed.await_phase("forced", "Running"));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "forced"},
                         {.grace_period = std::chrono::seconds(0)}));
  CHECK(await([&] { return living(uid) == 0; }));
  CHECK(await([&] { return !fs::exists(bed.options.data_dir / "pods" / uid); }));
}

TEST_CASE("activeDeadlineSeconds ends a pod") {
  NodeBed bed;
  bed.start();
  json pod = shell_pod("long", "exec sleep 1000");
  pod["spec"]["activeDeadlineSeconds"] = 1;
  bed.create(pod);
  REQUIRE(bed.await_phase("long", "Failed"));
  CHECK(base::string_at(bed.pod("long"), {"status", "reason"}) == "DeadlineExceeded");
}

TEST_CASE("a node that comes back finds its pods, those that ended meanwhile too") {
  NodeBed bed;
  bed.start();
  const std::string go = bed.folder.path().string() + "/go";
  const std::string script = "echo up; while [ ! -e " + go + " ]; do sleep 0.02; done; exit 6";
  bed.create(shell_pod("early", script));
  bed.create(shell_pod("late", "echo up; exec sleep 1000"));
  REQUIRE(bed.await_phase("early", "Running"));
  REQUIRE(bed.await_phase("late", "Running"));
  const std::string address = base::string_at(bed.pod("late"), {"status", "podIP"});
  bed.stop();
  CHECK(base::string_at(bed.pod("late"), {"status", "phase"}) == "Running");
  std::ofstream(go) << "";
  const fs::path journal =
      bed.options.data_dir / "pods" / kube::uid_of(bed.pod("early")) / "journal";
  REQUIRE(await([&] { return runner::node::read_journal(journal)->ended.has_value(); }));
  bed.start();
  REQUIRE(bed.await_phase("early", "Failed"));
  CHECK(bed.terminated("early").value("exitCode", 0) == 6);
  CHECK(bed.log("early") == "up\n");
  CHECK(base::string_at(bed.pod("late"), {"status", "podIP"}) == address);
  // A new pod does not get the address of one that lives.
  bed.create(shell_pod("new", "true"));
  REQUIRE(bed.await_phase("new", "Succeeded"));
  CHECK(base::string_at(bed.pod("new"), {"status", "podIP"}) != address);
  REQUIRE(
      bed.api.remove(kube::pods(), {"default", "late"}, {.grace_period = std::chrono::seconds(2)}));
  REQUIRE(bed.await_gone("late"));
}

TEST_CASE("a supervisor that is killed takes its pod along, and the pod says so") {
  NodeBed bed;
  bed.start();
  const std::string uid =
      kube::uid_of(bed.create(shell_pod("orphan", "setsid sleep 1000 & exec sleep 1000")));
  REQUIRE(bed.await_phase("orphan", "Running"));
  REQUIRE(await([&] { return living(uid) >= 2; }));
  const auto journal = runner::node::read_journal(bed.options.data_dir / "pods" / uid / "journal");
  REQUIRE(journal->supervisor.has_value());
  REQUIRE(::kill(journal->supervisor->pid, SIGKILL) == 0);
  REQUIRE(bed.await_phase("orphan", "Failed"));
  CHECK(living(uid) == 0);
  CHECK(bed.terminated("orphan").value("reason", "") == "ContainerStatusUnknown");
  CHECK(bed.terminated("orphan").value("exitCode", 0) == 137);
  // The same, word for word, from the node's next run.
  const json status = bed.pod("orphan")["status"];
  bed.stop();
  bed.start();
  bed.create(shell_pod("after", "true"));
  REQUIRE(bed.await_phase("after", "Succeeded"));
  CHECK(bed.pod("orphan")["status"] == status);
}

TEST_CASE("on exit the pods are stopped when that was asked for") {
  NodeBed bed;
  bed.options.on_exit = runner::node::OnExit::Stop;
  bed.start();
  const std::string uid = kube::uid_of(bed.create(shell_pod("p", "exec sleep 1000")));
  REQUIRE(bed.await_phase("p", "Running"));
  bed.node->stop();
  CHECK(living(uid) == 0);
  CHECK(bed.terminated("p").value("exitCode", 0) == 143);
}

TEST_CASE("on exit the pod that ended last is told as well") {
  NodeBed bed;
  bed.options.on_exit = runner::node::OnExit::Stop;
  bed.start();
  std::vector<std::string> names;
  for (int i = 0; i < 16; ++i)
    names.push_back("p" + std::to_string(i));
  for (const std::string& name : names)
    bed.create(shell_pod(name, "exec sleep 1000"));
  for (const std::string& name : names)
    REQUIRE(bed.await_phase(name, "Running"));
  bed.node->stop();
  for (const std::string& name : names)
    CHECK(base::string_at(bed.pod(name), {"status", "phase"}) == "Failed");
}

TEST_CASE("a failing API is waited for") {
  NodeBed bed;
  bed.start();
  const std::string go = bed.folder.path().string() + "/go";
  bed.create(shell_pod("p", "while [ ! -e " + go + " ]; do sleep 0.02; done"));
  REQUIRE(bed.await_phase("p", "Running"));
  const std::string uid = kube::uid_of(bed.pod("p"));
  bed.api.fail_all(base::Error{.code = base::Code::Unavailable, .message = "down"});
  std::ofstream(go) << "";
  REQUIRE(await([&] {
    return runner::node::read_journal(bed.options.data_dir / "pods" / uid / "journal")
        ->ended.has_value();
  }));
  bed.api.fail_all(std::nullopt);
  CHECK(bed.await_phase("p", "Succeeded"));
}

TEST_CASE("a folder serves one node, and only its owner's") {
  NodeBed bed;
  bed.start();
  const auto second = runner::node::Node::start(bed.options, bed.api, bed.clock, bed.events);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message ==
        "the folder " + bed.options.data_dir.string() + " is in use by another node");
}

TEST_CASE("the last moment of a log is told before it is removed") {
  std::string kept;
  NodeBed bed;
  bed.options.on_log_removal = [&](const nlohmann::json& pod, const std::string& container,
                                   const runner::node::ContainerLog& log) {
    kept = kube::key_of(pod).to_string() + " " + container + ": " + text_of(log.files.back());
  };
  bed.start();
  const std::string uid = kube::uid_of(bed.create(shell_pod("p", "echo words")));
  REQUIRE(bed.await_phase("p", "Succeeded"));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "p"}, {}));
  REQUIRE(await([&] { return !fs::exists(bed.options.data_dir / "pods" / uid); }));
  bed.stop();
  CHECK(kept == "default/p main: words\n");
}

TEST_CASE("of two supervisors for one pod only one begins") {
  NodeBed bed;
  bed.start();
  const std::string truth = bed.folder.path().string() + "/truth";
  for (int i = 0; i < 5; ++i)
    bed.create(shell_pod("p" + std::to_string(i), "echo start " + std::to_string(i) + " >> " +
                                                      truth + "; sleep 0.2; exit " +
                                                      std::to_string(i)));
  for (int round = 0; round < 6; ++round) {
    // An end of the node at any moment looks like this to its pods.
    bed.node.reset();
    bed.start();
    for (int i = 0; i < 5; ++i) {
      const fs::path folder =
          bed.options.data_dir / "pods" / kube::uid_of(bed.pod("p" + std::to_string(i)));
      if (!fs::exists(folder / "launch.json")) continue;
      // One supervisor too many: it must find the lock or the journal and leave.
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::execl(bed.options.supervisor[0].c_str(), bed.options.supervisor[0].c_str(),
                folder.c_str(), nullptr);
        ::_exit(1);
      }
      ::waitpid(pid, nullptr, 0);
    }
  }
  for (int i = 0; i < 5; ++i) {
    const std::string name = "p" + std::to_string(i);
    REQUIRE(bed.await_phase(name, i == 0 ? "Succeeded" : "Failed"));
    CHECK(bed.terminated(name).value("exitCode", -1) == i);
  }
  const std::string written = text_of(truth);
  for (int i = 0; i < 5; ++i) {
    const std::string line = "start " + std::to_string(i) + "\n";
    CHECK(written.find(line) != std::string::npos);
    CHECK(written.find(line) == written.rfind(line));
  }
}

TEST_CASE("all of it works for an ordinary user") {
  NodeBed bed;
  bed.use_fake_spark("id -u; exit 0\n");
  if (::geteuid() != 0) {
    // Then every test here is that proof.
    CHECK(::geteuid() != 0);
    return;
  }
  // Again as nobody, from a folder that nobody may read.
  const fs::path folder = bed.folder.path() / "bin";
  fs::create_directories(folder);
  fs::permissions(bed.folder.path(), fs::perms(0755));
  fs::copy("/proc/self/exe", folder / "test");
  fs::copy(bed.options.supervisor[0], folder / "supervisor");
  const std::string command = "cd / && NODE_TEST_SUPERVISOR=" + (folder / "supervisor").string() +
                              " setpriv --reuid=65534 --regid=65534 --clear-groups " +
                              (folder / "test").string() + " '~*ordinary user*' --order rand >" +
                              (bed.folder.path() / "out").string() + " 2>&1";
  const int status = std::system(command.c_str());
  INFO(text_of(bed.folder.path() / "out"));
  CHECK(status == 0);
}
