// kill -9 of the node at any moment. The API lives on; what the drivers wrote down themselves is
// the truth that their pods' statuses are compared with.

#include <csignal>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "runner/node/processes.h"
#include "tests/support/catch.h"
#include "tests/support/remote_api.h"
#include "tests/unit/runner/node/node_bed.h"

namespace {

class NodeProcess {
 public:
  NodeProcess(const std::string& socket, const tests::NodeBed& bed) {
    std::string program = NODE_PROGRAM;
    std::string folder = bed.options.data_dir.string();
    std::string supervisor = bed.options.supervisor[0];
    std::string address = socket;
    char* arguments[] = {program.data(), address.data(), folder.data(), supervisor.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~NodeProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

 private:
  pid_t pid_ = 0;
};

size_t living(const std::string& prefix) {
  size_t count = 0;
  for (const auto& stat : runner::node::all_processes())
    if (stat.state != 'Z' && runner::node::marker_of(stat.pid).starts_with(prefix)) ++count;
  return count;
}

}  // namespace

TEST_CASE("kill -9 of the node at any moment starts nothing twice and loses no outcome") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  tests::NodeBed bed;
  const std::string socket = (bed.folder.path() / "api").string();
  const std::string truth = (bed.folder.path() / "truth").string();
  tests::ApiPort port(bed.api, socket);
  std::map<std::string, int> planned;
  std::set<std::string> deleted;
  constexpr int kRounds = 30;
  for (int round = 0; round < kRounds; ++round) {
    const NodeProcess node(socket, bed);
    const std::string name = "p" + std::to_string(round);
    planned[name] = static_cast<int>(random() % 3);
    bed.create(tests::shell_pod(name, "echo start " + name + " >> " + truth + "; sleep 0." +
                                          std::to_string(random() % 5) + "; echo end " + name +
                                          " >> " + truth + "; exit " +
                                          std::to_string(planned[name])));
    if (random() % 4 == 0) {
      const std::string victim = "p" + std::to_string(random() % static_cast<unsigned>(round + 1));
      if (bed.api.remove(kube::pods(), {"default", victim},
                         {.grace_period = std::chrono::seconds(1)}))
        deleted.insert(victim);
    }
    // Not a wait for anything: the moment of death is the input.
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 250));
  }
  const NodeProcess last(socket, bed);
  for (const auto& [name, code] : planned) {
    CAPTURE(name);
    if (deleted.contains(name)) {
      CHECK(bed.await_gone(name));
      continue;
    }
    CHECK(bed.await_phase(name, code == 0 ? "Succeeded" : "Failed"));
    CHECK(bed.terminated(name).value("exitCode", -1) == code);
  }
  CHECK(living(bed.api.uid_prefix()) == 0);
  std::map<std::string, int> started;
  std::map<std::string, int> ended;
  std::istringstream lines(base::read_file(truth).value_or(""));
  for (std::string what, name; lines >> what >> name;)
    ++(what == "start" ? started : ended)[name];
  for (const auto& [name, code] : planned) {
    CAPTURE(name);
    CHECK(started[name] <= 1);
    if (!deleted.contains(name)) {
      CHECK(started[name] == 1);
      CHECK(ended[name] == 1);
    }
  }
}
