// What people ask for and cannot have: that pod says why, and the others go on.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <new>
#include <stdexcept>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "kube/object.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"
#include "tests/unit/runner/node/observe.h"

using namespace std::chrono_literals;
using nlohmann::json;
using tests::await;
using tests::driver_pod;
using tests::NodeBed;
using tests::shell_pod;
using tests::waiting_message;
namespace fs = std::filesystem;

namespace {

json with_volume(json pod, const json& source) {
  json volume = source;
  volume["name"] = "v";
  pod["spec"]["volumes"] = json::array({volume});
  pod["spec"]["containers"][0]["volumeMounts"] =
      json::array({{{"name", "v"}, {"mountPath", "/mnt"}}});
  return pod;
}

std::string message_of(NodeBed& bed, const std::string& name) {
  return base::string_at(bed.pod(name), {"status", "message"});
}

// Waits for it: events come after the status.
bool is_recorded(NodeBed& bed, const std::string& part) {
  return await([&] {
    const auto events = bed.events.all();
    return std::any_of(events.begin(), events.end(), [&](const std::string& event) {
      return event.find(part) != std::string::npos;
    });
  });
}

const std::string kTooLong = "/tmp/" + std::string(300, 'x');

bool has_condition(const json* pod, const std::string& message) {
  if (pod == nullptr) return false;
  const json conditions = pod->value("/status/conditions"_json_pointer, json::array());
  return std::any_of(conditions.begin(), conditions.end(), [&](const json& condition) {
    return condition.value("type", "") == "PodScheduled" &&
           condition.value("message", "") == message;
  });
}

}  // namespace

// std::filesystem throws for paths that it cannot look at: each of these ended the service, again
// at every start.
TEST_CASE("a hostPath, a workingDir or an interpreter that cannot be looked at fails that pod") {
  NodeBed bed;
  // A Python environment whose interpreter is a link to itself.
  const fs::path venv = bed.folder.path() / "venv";
  const fs::path home = venv / "lib" / "python3" / "site-packages" / "pyspark";
  fs::create_directories(home);
  fs::create_directories(venv / "bin");
  REQUIRE(::symlink("python3", (venv / "bin" / "python3").c_str()) == 0);
  bed.options.spark_home = home.string();
  bed.start();
  bed.create(
      with_volume(shell_pod("path", "true"),
                  {{"hostPath", {{"path", kTooLong + "/y"}, {"type", "DirectoryOrCreate"}}}}));
  json working = shell_pod("working", "true");
  working["spec"]["containers"][0]["workingDir"] = kTooLong;
  bed.create(working);
  bed.create(shell_pod("good", "echo $PATH"));
  REQUIRE(bed.await_phase("path", "Failed"));
  CHECK(base::string_at(bed.pod("path"), {"status", "reason"}) == "CreateContainerConfigError");
  CHECK(message_of(bed, "path").starts_with("MountVolume.SetUp failed for volume \"v\": hostPath"));
  CHECK(message_of(bed, "path").ends_with("File name too long"));
  REQUIRE(bed.await_phase("working", "Failed"));
  CHECK(message_of(bed, "working").starts_with("container \"main\": workingDir /tmp/xxx"));
  REQUIRE(bed.await_phase("good", "Succeeded"));
  CHECK(is_recorded(bed, "CreateContainerConfigError: MountVolume"));
}

// Also run as nobody, by "all of it works for an ordinary user".
TEST_CASE("a hostPath and a workingDir below a folder of somebody else fail that pod") {
  if (::access("/root", X_OK) == 0) {
    WARN("this user may look into /root: only an ordinary user sees this");
    CHECK(::geteuid() == 0);
    return;
  }
  NodeBed bed;
  bed.start();
  bed.create(with_volume(shell_pod("path", "true"),
                         {{"hostPath", {{"path", "/root/x/y"}, {"type", "DirectoryOrCreate"}}}}));
  json working = shell_pod("working", "true");
  working["spec"]["containers"][0]["workingDir"] = "/root/app";
  bed.create(working);
  REQUIRE(bed.await_phase("path", "Failed"));
  CHECK(message_of(bed, "path") ==
        "MountVolume.SetUp failed for volume \"v\": hostPath \"/root/x/y\": "
        "look at /root/x/y: Permission denied");
  REQUIRE(bed.await_phase("working", "Failed"));
  CHECK(message_of(bed, "working") ==
        "container \"main\": workingDir /root/app: look at /root/app: Permission denied");
  bed.create(shell_pod("good", "true"));
  CHECK(bed.await_phase("good", "Succeeded"));
}

TEST_CASE("what can never be is a failed pod with its reason") {
  struct Case {
    std::string name;
    json pod;
    std::string message;
  };
  json variable = shell_pod("p", "true");
  variable["spec"]["containers"][0]["env"] = json::array({{{"name", "A=B"}, {"value", "c"}}});
  json everything = with_volume(shell_pod("p", "true"), {{"emptyDir", json::object()}});
  everything["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = "/";
  json zero = shell_pod("p", "true");
  zero["spec"]["containers"][0]["args"] = json::array({std::string("a\0b", 3)});
  const json dots = with_volume(shell_pod("p", "true"), {{"configMap", {{"name", "dots"}}}});
  const json dot = with_volume(shell_pod("p", "true"), {{"configMap", {{"name", "dot"}}}});
  const Case cases[] = {
      {"environment A=B", variable, "container \"main\": \"A=B\" is not a name of a variable"},
      {"mountPath /", everything,
       "container \"main\": mountPath \"/\" is not supported by the process node: mount the volume "
       "at a folder below /"},
      {"a zero byte", zero, "container \"main\": args: word 1 holds a zero byte"},
      {"the key ..", dots,
       "MountVolume.SetUp failed for volume \"v\": \"..\" is not a path inside its volume"},
      {"the key .", dot,
       "MountVolume.SetUp failed for volume \"v\": \".\" is not a path inside its volume"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      NodeBed bed;
      for (const char* key : {".", ".."})
        REQUIRE(bed.api.create(
            kube::config_maps(),
            {{"metadata",
              {{"name", key == std::string(".") ? "dot" : "dots"}, {"namespace", "default"}}},
             {"data", {{key, "x"}}}}));
      bed.start();
      bed.create(c.pod);
      REQUIRE(bed.await_phase("p", "Failed"));
      CHECK(message_of(bed, "p") == c.message);
      CHECK(is_recorded(bed, c.message));
    }
  }
}

TEST_CASE("what may come is waited for, says so, and runs when it is there") {
  NodeBed bed;
  bed.start();
  json pod = shell_pod("p", "echo $KEY");
  pod["spec"]["containers"][0]["env"] = json::array(
      {{{"name", "KEY"}, {"valueFrom", {{"secretKeyRef", {{"name", "late"}, {"key", "k"}}}}}}});
  bed.create(pod);
  REQUIRE(bed.api.await(kube::pods(), {"default", "p"}, [](const json* now) {
    return now != nullptr &&
           waiting_message(*now) == "container \"main\": secret \"late\" not found";
  }));
  CHECK(is_recorded(bed, "secret \"late\" not found"));
  REQUIRE(bed.api.create(
      kube::secrets(),
      {{"metadata", {{"name", "late"}, {"namespace", "default"}}}, {"data", {{"k", "d29yZA=="}}}}));
  REQUIRE(bed.await_phase("p", "Succeeded"));
  CHECK(bed.log("p") == "word\n");
}

// Opened to be read, a pipe has the node's one thread wait for somebody who writes.
TEST_CASE("a pipe that a pod puts where the node reads stops nobody") {
  NodeBed bed;
  bed.use_fake_spark("exit 0");
  bed.start();
  SECTION("in the place of its properties") {
    const fs::path pipe = bed.folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    REQUIRE(bed.api.create(kube::config_maps(), tests::driver_config_map("p", "")));
    json pod = driver_pod("p", {});
    pod["spec"]["containers"][0]["args"] =
        json::array({"driver", "--properties-file", pipe.string()});
    bed.create(pod);
    REQUIRE(bed.await_phase("p", "Failed"));
    CHECK(message_of(bed, "p").ends_with("pipe is not a file"));
  }
  SECTION("in the place of the times of its log") {
    bed.create(shell_pod("p", "cd ..; rm -f log.times; mkfifo log.times; echo x"));
    REQUIRE(bed.await_phase("p", "Succeeded"));
    CHECK(bed.log("p") == "x\n");
    REQUIRE(bed.api.remove(kube::pods(), {"default", "p"}, {}));
    REQUIRE(bed.await_gone("p"));
  }
  bed.create(shell_pod("other", "true"));
  REQUIRE(bed.await_phase("other", "Succeeded"));
}

TEST_CASE("a subPath longer than any path fails that pod, whatever its size") {
  NodeBed bed;
  bed.start();
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "a/";
  json pod = with_volume(shell_pod("p", "true"), {{"emptyDir", json::object()}});
  pod["spec"]["containers"][0]["volumeMounts"][0]["subPath"] = deep;
  bed.create(pod);
  REQUIRE(bed.await_phase("p", "Failed"));
  CHECK(message_of(bed, "p").ends_with("…: File name too long"));
}

TEST_CASE("a limit of the size of files costs lines of the log, not the pod") {
  // Of the supervisor, which inherits it.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  {
    NodeBed bed;
    bed.start();
    rlimit small = before;
    small.rlim_cur = 1 << 20;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    bed.create(shell_pod("p", "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; exit 3"));
    CHECK(bed.await_phase("p", "Failed"));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(bed.terminated("p")["exitCode"] == 3);
  }
  std::signal(SIGXFSZ, previous);
}

TEST_CASE("a pod is stopped though the disk does not take the wish") {
  NodeBed bed;
  bed.start();
  bed.create(shell_pod("p", "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done"));
  REQUIRE(await([&] { return bed.log("p") == "up\n"; }));
  const std::string uid = kube::uid_of(bed.pod("p"));
  // A folder in the place of the file that is to be written, for root as well.
  fs::create_directories(bed.options.data_dir / "pods" / uid / "stop.json.new" / "x");
  REQUIRE(bed.api.remove(kube::pods(), {"default", "p"}, {}));
  REQUIRE(bed.await_gone("p"));
}

TEST_CASE("a pods folder that takes nothing: the pod says so, and runs when it is mended") {
  NodeBed bed;
  bed.start();
  const fs::path pods = bed.options.data_dir / "pods";
  // Not writable, for root as well.
  fs::rename(pods, bed.folder.path() / "away");
  std::ofstream(pods) << "";
  bed.create(shell_pod("p", "true"));
  REQUIRE(bed.api.await(kube::pods(), {"default", "p"}, [](const json* now) {
    return now != nullptr && waiting_message(*now).find("create folder ") == 0;
  }));
  CHECK(base::string_at(bed.pod("p"), {"status", "phase"}) == "Pending");
  CHECK(is_recorded(bed, "FailedSync: create folder "));
  fs::remove(pods);
  fs::rename(bed.folder.path() / "away", pods);
  REQUIRE(bed.await_phase("p", "Succeeded"));
}

TEST_CASE("deadlines and grace periods of any size neither end a pod at once nor never") {
  NodeBed bed;
  bed.start();
  json pod = shell_pod("p", "exit 3");
  pod["spec"]["activeDeadlineSeconds"] = 10'000'000'000'000'000;
  pod["spec"]["terminationGracePeriodSeconds"] = INT64_MAX;
  bed.create(pod);
  REQUIRE(bed.await_phase("p", "Failed"));
  CHECK(bed.terminated("p").value("exitCode", 0) == 3);
}

TEST_CASE("what throws for one pod is that pod's failure, and what lacks memory is tried again") {
  // Before the bed, whose node reads it until the end.
  std::atomic<int> calls{0};
  NodeBed bed;
  bed.options.token = [&calls](const json&) -> std::string {
    const int call = ++calls;
    if (call == 1) throw std::runtime_error("a bug");
    if (call == 2) throw std::bad_alloc();
    return "token";
  };
  bed.start();
  bed.create(shell_pod("thrown", "true"));
  REQUIRE(bed.await_phase("thrown", "Failed"));
  CHECK(base::string_at(bed.pod("thrown"), {"status", "reason"}) == "CreateContainerConfigError");
  CHECK(message_of(bed, "thrown") == "prepare the pod: a bug");
  bed.create(shell_pod("hungry", "true"));
  REQUIRE(bed.await_phase("hungry", "Succeeded"));
  CHECK(is_recorded(bed, "prepare the pod: out of memory"));
}

TEST_CASE("a pod that makes placing throw stops no other, says so and is tried again") {
  // Before the bed, whose node reads it until the end.
  std::atomic<bool> broken{true};
  NodeBed bed;
  bed.api.on_create = [&broken](const kube::ResourceType& type) {
    if (broken && type.plural == "pods/odd/binding") throw std::runtime_error("a bug");
  };
  // The odd one is asked first.
  bed.create(shell_pod("odd", "true"));
  bed.create(shell_pod("fine", "true"));
  bed.start();
  REQUIRE(bed.await_phase("fine", "Succeeded"));
  REQUIRE(bed.api.await(kube::pods(), {"default", "odd"}, [](const json* pod) {
    return has_condition(pod, "place the pod: a bug");
  }));
  CHECK(is_recorded(bed, "FailedScheduling: place the pod: a bug"));
  broken = false;
  REQUIRE(bed.await_phase("odd", "Succeeded"));
}

TEST_CASE("a pod whose binding is refused says why, and is bound when it can be") {
  NodeBed bed;
  bed.create(shell_pod("p", "true"));
  // Whichever is first: the Node's own creation, or the binding.
  for (int i = 0; i < 2; ++i)
    bed.api.fail("create", {base::Code::Refused, "a webhook said no"});
  bed.start();
  REQUIRE(bed.await_phase("p", "Succeeded"));
  CHECK(is_recorded(
      bed, "FailedScheduling: bind the pod to node " + bed.options.name + ": a webhook said no"));
}

TEST_CASE("a pod whose trouble cannot be told keeps no other from being looked after") {
  NodeBed bed;
  // No second look finds what the first has passed over.
  bed.options.look_again = 1h;
  bed.events.on_record = [](const json& regarding) {
    if (kube::key_of(regarding).name == "odd") throw std::runtime_error("a bug");
  };
  json odd = shell_pod("odd", "true");
  odd["spec"]["containers"][0]["env"] = json::array(
      {{{"name", "KEY"}, {"valueFrom", {{"secretKeyRef", {{"name", "missing"}, {"key", "k"}}}}}}});
  json fine = shell_pod("fine", "true");
  // Bound before the node starts: the first look finds both, the odd one first.
  for (json* pod : {&odd, &fine}) {
    (*pod)["spec"]["nodeName"] = bed.options.name;
    bed.create(*pod);
  }
  bed.start();
  REQUIRE(bed.await_phase("fine", "Succeeded"));
}
