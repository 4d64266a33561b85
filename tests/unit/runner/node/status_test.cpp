#include <fstream>
#include <set>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/json.h"
#include "runner/node/addresses.h"
#include "runner/node/journal.h"
#include "runner/node/pod_status.h"
#include "runner/node/processes.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

using namespace std::chrono_literals;
using nlohmann::json;
using runner::node::ContainerExit;
using runner::node::ContainerRecord;
using runner::node::Journal;

namespace {

constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

json pod() {
  return {
      {"spec",
       {{"initContainers", {{{"name", "init"}}, {{"name", "side"}, {"restartPolicy", "Always"}}}},
        {"containers", {{{"name", "a"}}, {{"name", "b"}}}}}}};
}

ContainerRecord started() {
  return {.process = {.pid = 7}, .started = kStart + 1s};
}
ContainerRecord ended(int code, int signal = 0, bool out_of_memory = false) {
  ContainerRecord record = started();
  record.exit = ContainerExit{
      .code = code, .signal = signal, .out_of_memory = out_of_memory, .at = kStart + 9s};
  return record;
}

}  // namespace

TEST_CASE("the phase of a pod follows from what its supervisor wrote down") {
  struct Case {
    std::string name;
    Journal journal;
    std::string phase;
    std::string ready;
    std::string reason;  // of container a, whatever its state
  };
  const Case cases[] = {
      {.name = "nothing yet",
       .journal = {},
       .phase = "Pending",
       .ready = "False",
       .reason = "ContainerCreating"},
      {.name = "in its init containers",
       .journal = {.containers = {{"init", started()}}},
       .phase = "Pending",
       .ready = "False",
       .reason = "ContainerCreating"},
      {.name = "running",
       .journal = {.containers = {{"init", ended(0)},
                                  {"side", started()},
                                  {"a", started()},
                                  {"b", started()}}},
       .phase = "Running",
       .ready = "True"},
      {.name = "one of two ended",
       .journal = {.containers = {{"a", ended(0)}, {"b", started()}}},
       .phase = "Running",
       .ready = "False",
       .reason = "Completed"},
      {.name = "both ended, a process is still on its way out",
       .journal = {.containers = {{"a", ended(0)}, {"b", ended(0)}}},
       .phase = "Running",
       .ready = "False",
       .reason = "Completed"},
      {.name = "over",
       .journal = {.containers = {{"side", ended(143)}, {"a", ended(0)}, {"b", ended(0)}},
                   .ended = kStart + 9s},
       .phase = "Succeeded",
       .ready = "False",
       .reason = "Completed"},
      {.name = "one failed",
       .journal = {.containers = {{"a", ended(1)}, {"b", ended(0)}}, .ended = kStart + 9s},
       .phase = "Failed",
       .ready = "False",
       .reason = "Error"},
      {.name = "out of memory",
       .journal = {.containers = {{"a", ended(137, 9, true)}, {"b", ended(0)}},
                   .ended = kStart + 9s},
       .phase = "Failed",
       .ready = "False",
       .reason = "OOMKilled"},
      {.name = "init failed",
       .journal = {.containers = {{"init", ended(2)}}, .ended = kStart + 9s},
       .phase = "Failed",
       .ready = "False",
       .reason = "PodInitializing"},
      {.name = "supervisor killed",
       .journal = {.containers = {{"a", started()}, {"b", ended(0)}},
                   .lost = "killed",
                   .lost_at = kStart},
       .phase = "Failed",
       .ready = "False",
       .reason = "ContainerStatusUnknown"},
      {.name = "deadline",
       .journal = {.containers = {{"a", ended(0)}, {"b", ended(0)}},
                   .deadline_exceeded = true,
                   .ended = kStart + 9s},
       .phase = "Failed",
       .ready = "False",
       .reason = "Completed"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const json status = runner::node::make_status(pod(), {.pod_ip = "127.1.1.1",
                                                            .host_ip = "127.0.0.1",
                                                            .start_time = kStart,
                                                            .journal = c.journal});
      CHECK(status["phase"] == c.phase);
      CHECK(status["podIP"] == "127.1.1.1");
      CHECK(status["startTime"] == "2026-11-21T00:00:00Z");
      for (const json& condition : status["conditions"])
        if (condition["type"] == "Ready") CHECK(condition["status"] == c.ready);
      const json& state = status["containerStatuses"][0]["state"];
      CHECK(base::string_at(*state.begin(), {"reason"}) == c.reason);
      CHECK(status["initContainerStatuses"].size() == 2);
      if (c.name == "deadline") CHECK(status["reason"] == "DeadlineExceeded");
    }
  }
}

TEST_CASE("the fallback message is the end of the log: 80 lines, 2 KiB, whole characters") {
  std::string lines;
  for (int i = 0; i < 200; ++i)
    lines += std::to_string(i) + "\n";
  const std::string last = runner::node::last_lines(lines);
  CHECK(last.starts_with("120\n"));
  CHECK(last.ends_with("199\n"));
  std::string wide = "x";
  for (int i = 0; i < 2000; ++i)
    wide += "\xC3\xA9";
  CHECK(runner::node::last_lines(wide).size() <= 2048);
  CHECK(runner::node::last_lines(wide).starts_with("\xC3"));
  CHECK(runner::node::last_lines("").empty());
}

TEST_CASE("a journal reads back what was written, and a torn last line is ignored") {
  tests::Folder folder;
  const auto path = folder.path() / "journal";
  {
    auto writer = runner::node::JournalWriter::open(path);
    REQUIRE(writer.has_value());
    REQUIRE(writer->begun({.pid = 1, .start_time = 2, .boot_id = "b"}, ""));
    REQUIRE(writer->started(
        "a", {.process = {.pid = 3, .start_time = 4, .boot_id = "b"}, .started = kStart}));
    REQUIRE(writer->exited("a", {.code = 143, .signal = 15, .at = kStart + 5ms}));
  }
  std::ofstream(path, std::ios::app) << R"({"fact":"ended","at":)";
  const auto journal = runner::node::read_journal(path);
  REQUIRE(journal.has_value());
  CHECK(journal->supervisor ==
        runner::node::ProcessIdentity{.pid = 1, .start_time = 2, .boot_id = "b"});
  REQUIRE(journal->containers.contains("a"));
  CHECK(journal->containers.at("a").process.pid == 3);
  CHECK(journal->containers.at("a").exit->code == 143);
  CHECK(journal->containers.at("a").exit->at == kStart + 5ms);
  CHECK_FALSE(journal->ended.has_value());
  CHECK(runner::node::read_journal(folder.path() / "none")->containers.empty());
}

TEST_CASE("addresses are unique, remembered and used again") {
  runner::node::Addresses addresses("/data");
  runner::node::Addresses same("/data");
  const std::string first = addresses.allocate().value();
  CHECK(first.starts_with("127."));
  same.take(first);
  CHECK(same.allocate().value() != first);
  std::set<std::string> all = {first};
  while (const auto next = addresses.allocate())
    REQUIRE(all.insert(*next).second);
  CHECK(all.size() > 4000);
  addresses.release(first);
  CHECK(addresses.allocate() == first);
}

TEST_CASE("a process is known by its start, not by its number") {
  const auto self = runner::node::identify(::getpid());
  REQUIRE(self.has_value());
  CHECK(runner::node::is_alive(*self));
  runner::node::ProcessIdentity other = *self;
  ++other.start_time;
  CHECK_FALSE(runner::node::is_alive(other));
  CHECK_FALSE(runner::node::open_process(other).valid());
  other = *self;
  other.boot_id = "another boot";
  CHECK_FALSE(runner::node::is_alive(other));
}
