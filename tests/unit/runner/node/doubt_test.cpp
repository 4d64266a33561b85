// What the node does when it has not been told, cannot read, or finds what should not be there.

#include <csignal>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "runner/node/journal.h"
#include "runner/node/leftovers.h"
#include "runner/node/node.h"
#include "runner/node/processes.h"
#include "runner/node/trash.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"
#include "tests/unit/runner/node/observe.h"

using namespace std::chrono_literals;
using nlohmann::json;
using tests::await;
using tests::living;
using tests::NodeBed;
using tests::shell_pod;
using tests::text_of;
namespace fs = std::filesystem;

namespace {

bool is_recorded(NodeBed& bed, const std::string& start) {
  const auto events = bed.events.all();
  return std::any_of(events.begin(), events.end(),
                     [&](const std::string& event) { return event.starts_with(start); });
}

std::string running_pod(NodeBed& bed, const std::string& name, const std::string& script) {
  const std::string uid = kube::uid_of(bed.create(shell_pod(name, script)));
  REQUIRE(bed.await_phase(name, "Running"));
  REQUIRE(await([&] { return living(uid) >= 1; }));
  return uid;
}

fs::path folder_of(const NodeBed& bed, const std::string& uid) {
  return bed.options.data_dir / "pods" / uid;
}

// The pid of a sleep that nobody else has; 0 when there is none.
pid_t sleeper(const std::string& seconds) {
  for (const auto& stat : runner::node::all_processes())
    if (stat.state != 'Z' && text_of("/proc/" + std::to_string(stat.pid) + "/cmdline") ==
                                 std::string("sleep\0", 6) + seconds + '\0')
      return stat.pid;
  return 0;
}

}  // namespace

TEST_CASE("a pod whose object went while the node was down is ended, and its folder goes") {
  NodeBed bed;
  bed.start();
  const std::string running = running_pod(bed, "running", "exec sleep 1000");
  const std::string ended = kube::uid_of(bed.create(shell_pod("ended", "true")));
  REQUIRE(bed.await_phase("ended", "Succeeded"));
  bed.stop();
  for (const char* name : {"running", "ended"})
    REQUIRE(bed.api.remove(kube::pods(), {"default", name}, {.grace_period = 0s}));
  bed.start();
  CHECK(await([&] { return living(running) == 0; }));
  CHECK(await([&] { return !fs::exists(folder_of(bed, running)); }));
  CHECK(await([&] { return !fs::exists(folder_of(bed, ended)); }));
}

TEST_CASE("nobody has to ring: what ended is found at the next look") {
  NodeBed bed;
  bed.options.look_again = 20ms;
  // A supervisor whose start is not its life: the node sees its first process die at once, and
  // nobody rings.
  const fs::path program = bed.folder.path() / "detached";
  std::ofstream(program) << "#!/bin/sh\nrm -f " << bed.options.data_dir.string() << "/bell\nsetsid "
                         << bed.options.supervisor[0] << " \"$1\" </dev/null >/dev/null 2>&1 &\n";
  ::chmod(program.c_str(), 0755);
  bed.options.supervisor = {program.string()};
  bed.start();
  bed.create(shell_pod("quiet", "exit 3"));
  REQUIRE(bed.await_phase("quiet", "Failed"));
  CHECK(bed.terminated("quiet").value("exitCode", 0) == 3);
}

TEST_CASE("a running pod with a torn record is kept, watched and reported") {
  NodeBed bed;
  bed.start();
  const std::string go = bed.folder.path().string() + "/go";
  const std::string uid =
      running_pod(bed, "torn", "while [ ! -e " + go + " ]; do sleep 0.02; done; exit 4");
  bed.stop();
  std::ofstream(folder_of(bed, uid) / "pod.json") << "{\"addr";
  bed.start();
  REQUIRE(await([&] { return is_recorded(bed, "PodRecordUnreadable: "); }));
  CHECK(living(uid) >= 1);
  CHECK(base::string_at(bed.pod("torn"), {"status", "phase"}) == "Running");
  std::ofstream(go) << "";
  REQUIRE(bed.await_phase("torn", "Failed"));
  CHECK(bed.terminated("torn").value("exitCode", 0) == 4);
  CHECK(base::string_at(bed.pod("torn"), {"status", "reason"}).empty());
}

TEST_CASE("a running pod whose record cannot be opened is kept, watched and reported") {
  NodeBed bed;
  bed.start();
  const std::string go = bed.folder.path().string() + "/go";
  const std::string uid =
      running_pod(bed, "io", "while [ ! -e " + go + " ]; do sleep 0.02; done; exit 4");
  bed.stop();
  // Reading a folder as a file fails for root as well, as a bad sector does.
  const fs::path record = folder_of(bed, uid) / "pod.json";
  fs::remove(record);
  fs::create_directory(record);
  bed.start();
  REQUIRE(await([&] { return is_recorded(bed, "PodRecordUnreadable: "); }));
  CHECK(living(uid) >= 1);
  std::ofstream(go) << "";
  REQUIRE(bed.await_phase("io", "Failed"));
  CHECK(bed.terminated("io").value("exitCode", 0) == 4);
}

TEST_CASE("a torn record of a pod that is gone: what runs is ended first, then the folder goes") {
  NodeBed bed;
  bed.start();
  const std::string uid = running_pod(bed, "gone", "exec sleep 1000");
  bed.stop();
  std::ofstream(folder_of(bed, uid) / "pod.json") << "";
  REQUIRE(bed.api.remove(kube::pods(), {"default", "gone"}, {.grace_period = 0s}));
  bed.start();
  CHECK(await([&] { return !fs::exists(folder_of(bed, uid)); }));
  CHECK(living(uid) == 0);
}

TEST_CASE("without its folder a pod is lost only when nothing of it runs") {
  NodeBed bed;
  bed.start();
  const std::string uid = running_pod(bed, "p", "exec sleep 1000");
  bed.stop();
  fs::remove_all(folder_of(bed, uid));
  bed.start();
  size_t left = 99;
  REQUIRE(bed.api.await(kube::pods(), {"default", "p"}, [&](const json* pod) {
    const bool lost = pod != nullptr && base::string_at(*pod, {"status", "reason"}) == "NodeLost";
    if (lost) left = living(uid);
    return lost;
  }));
  CHECK(left == 0);
}

TEST_CASE("without the folder of all pods the node does not start, and loses nothing") {
  NodeBed bed;
  bed.start();
  const std::string uid = running_pod(bed, "p", "exec sleep 1000");
  bed.stop();
  const fs::path pods = bed.options.data_dir / "pods";
  fs::rename(pods, bed.folder.path() / "away");
  std::ofstream(pods) << "not a folder";
  const auto failed = runner::node::Node::start(bed.options, bed.api, bed.clock, bed.events);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message.find("pods") != std::string::npos);
  CHECK(living(uid) == 1);
  CHECK(base::string_at(bed.pod("p"), {"status", "phase"}) == "Running");
  // When it is back, the pod is found again and stopped like any other.
  fs::remove(pods);
  fs::rename(bed.folder.path() / "away", pods);
  bed.start();
  bed.stop(runner::node::OnExit::Stop);
  CHECK(living(uid) == 0);
}

TEST_CASE("a killed supervisor's daemons are found though they emptied their environment") {
  NodeBed bed;
  bed.start();
  // Told from those of another run of this test by how long they sleep.
  const std::string inside = std::to_string(10'000'000 + 2L * ::getpid());
  const std::string outside = std::to_string(10'000'001 + 2L * ::getpid());
  // One stays in the session, one leaves it: for that one it takes a cgroup.
  const std::string uid = running_pod(
      bed, "p",
      "env -i sleep " + inside + " & env -i setsid sleep " + outside + " & exec sleep 1000");
  REQUIRE(await([&] { return sleeper(inside) != 0 && sleeper(outside) != 0; }));
  const auto journal = runner::node::read_journal(folder_of(bed, uid) / "journal");
  REQUIRE(journal->supervisor.has_value());
  REQUIRE(::kill(journal->supervisor->pid, SIGKILL) == 0);
  REQUIRE(bed.await_phase("p", "Failed"));
  CHECK(sleeper(inside) == 0);
  if (journal->cgroup.empty()) {
    WARN("no cgroup v2 can be made here: what left the session is not looked for");
    ::kill(sleeper(outside), SIGKILL);
  } else {
    CHECK(sleeper(outside) == 0);
    CHECK(await([&] { return !fs::exists(journal->cgroup); }));
  }
}

TEST_CASE("a process that SIGKILL does not end is killed once, and the sweep ends") {
  const runner::node::ProcessIdentity stuck{.pid = 7, .start_time = 1, .boot_id = "b"};
  const runner::node::ProcessIdentity late{.pid = 8, .start_time = 2, .boot_id = "b"};
  int looks = 0;
  std::vector<pid_t> killed;
  const auto left = runner::node::kill_until_no_new(
      [&]() -> base::Result<std::vector<runner::node::ProcessIdentity>> {
        ++looks;
        if (looks == 1) return std::vector{stuck};
        return std::vector{stuck, late};
      },
      [&](const runner::node::ProcessIdentity& process) { killed.push_back(process.pid); });
  REQUIRE(left.has_value());
  CHECK(looks == 3);
  CHECK(killed == std::vector<pid_t>{7, 8});
  CHECK(runner::node::name_processes(*left) == "7, 8");
}

TEST_CASE("a sweep that meets new processes for ever ends as well") {
  int looks = 0;
  const auto left = runner::node::kill_until_no_new(
      [&]() -> base::Result<std::vector<runner::node::ProcessIdentity>> {
        return std::vector<runner::node::ProcessIdentity>{{.pid = ++looks}};
      },
      [](const runner::node::ProcessIdentity&) {});
  REQUIRE(left.has_value());
  CHECK(left->size() == 1);
  CHECK(looks < 1000);
}

TEST_CASE("a process table that cannot be read is an error, not an empty one") {
  const auto left = runner::node::kill_until_no_new(
      []() -> base::Result<std::vector<runner::node::ProcessIdentity>> {
        return base::failure(base::Code::Unavailable, "read folder /proc: Too many open files");
      },
      [](const runner::node::ProcessIdentity&) {});
  CHECK_FALSE(left.has_value());
}

TEST_CASE("a session that another process leads by now is not swept") {
  const pid_t other = ::getpid();
  const auto self = runner::node::identify(other);
  REQUIRE(self.has_value());
  const auto stat = runner::node::read_stat(other);
  REQUIRE(stat.has_value());
  // An earlier process with the number of the session that this test is in.
  const auto found = runner::node::find_processes(
      {.marker = "nobody/",
       .sessions = {{.pid = stat->session, .start_time = 0, .boot_id = runner::node::boot_id()}},
       .cgroup = {}});
  REQUIRE(found.has_value());
  CHECK(found->empty());
}

TEST_CASE("what is in the trash goes, protected folders and an earlier service's rest too") {
  tests::Folder folder;
  const fs::path trash = folder.path() / "trash";
  fs::create_directories(trash / "rest" / "deep");
  fs::create_directories(folder.path() / "pod" / "closed" / "inner");
  ::chmod((folder.path() / "pod" / "closed").c_str(), 0500);
  {
    const auto opened = runner::node::Trash::open(trash);
    REQUIRE(opened.has_value());
    REQUIRE((*opened)->put(folder.path() / "pod"));
    CHECK_FALSE(fs::exists(folder.path() / "pod"));
    // Again, and what never was: done already.
    CHECK((*opened)->put(folder.path() / "pod"));
    CHECK(await([&] { return fs::is_empty(trash); }));
  }
}

TEST_CASE("the node's descriptors come back to what they were") {
  NodeBed bed;
  bed.start();
  const auto descriptors = [] { return base::list_folder("/proc/self/fd").value().size(); };
  const auto run = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      bed.create(shell_pod("p" + std::to_string(i), "true"));
    for (int i = from; i < to; ++i) {
      REQUIRE(bed.await_phase("p" + std::to_string(i), "Succeeded"));
      REQUIRE(bed.api.remove(kube::pods(), {"default", "p" + std::to_string(i)}, {}));
    }
    REQUIRE(await([&] { return fs::is_empty(bed.options.data_dir / "pods"); }));
  };
  run(0, 1);
  const size_t before = descriptors();
  run(1, 20);
  CHECK(await([&] { return descriptors() <= before; }));
}
