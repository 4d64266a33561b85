#include <atomic>
#include <fstream>
#include <thread>

#include "base/rfc3339.h"
#include "runner/node/log_file.h"
#include "runner/node/log_reader.h"
#include "runner/node/pod_logs.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"

using namespace std::chrono_literals;
using runner::node::ContainerLog;
using runner::node::LogFile;

namespace {

constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

std::string read_all(kube::LogReader& reader) {
  std::string text;
  while (true) {
    const auto part = reader.read();
    if (!part || !*part) return text;
    text += **part;
  }
}

struct Bed {
  tests::Folder folder;
  tests::FakeClock clock{kStart};
  std::filesystem::path path = folder.path() / "log";
  std::atomic<bool> finished{true};

  LogFile open(uint64_t limit = 1 << 20) { return LogFile::open(path.string(), limit).value(); }
  std::unique_ptr<kube::LogReader> reader(const kube::LogOptions& options) {
    return runner::node::open_log(
               [this]() -> base::Result<ContainerLog> {
                 ContainerLog log{.files = {}, .finished = finished};
                 if (std::filesystem::exists(path.string() + ".1"))
                   log.files.push_back(path.string() + ".1");
                 log.files.push_back(path);
                 return log;
               },
               options, clock)
        .value();
  }
  std::string read(const kube::LogOptions& options) { return read_all(*reader(options)); }
};

}  // namespace

TEST_CASE("a log stays within its bounds and keeps the newest output") {
  Bed bed;
  LogFile log = bed.open(1000);
  for (int i = 0; i < 1000; ++i)
    log.append("line " + std::to_string(i) + "\n", kStart + i * 1s);
  CHECK(std::filesystem::file_size(bed.path) <= 1000);
  CHECK(std::filesystem::file_size(bed.path.string() + ".1") <= 1000);
  const std::string text = bed.read({});
  CHECK(text.ends_with("line 998\nline 999\n"));
  CHECK(bed.read({.tail_lines = 3}) == "line 997\nline 998\nline 999\n");
}

TEST_CASE("a log that was cut says how much of it is gone") {
  Bed bed;
  LogFile log = bed.open(200);
  std::string printed;
  for (int i = 0; i < 30; ++i) {
    const std::string line = "line " + std::to_string(10 + i) + " of ten\n";  // 15 bytes
    log.append(line, kStart);
    printed += line;
    // As long as everything is there, nothing says otherwise.
    if (printed.size() <= 390) CHECK(bed.read({}) == printed);
  }
  std::string text = bed.read({});
  const size_t note =
      text.rfind("[sparkcron: the log reached 200 bytes again, of its oldest output ");
  REQUIRE(note != std::string::npos);
  const size_t end = text.find("]\n", note) + 2;
  const std::string line = text.substr(note, end - note);
  CHECK_THAT(line, Catch::EndsWith(" bytes are gone]\n"));
  // What is told to be gone and what is there is what was printed.
  const uint64_t gone = std::stoull(line.substr(line.find("output ") + 7));
  std::string rest;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string one = text.substr(at, text.find('\n', at) + 1 - at);
    if (!one.starts_with("[sparkcron")) rest += one;
  }
  CHECK(gone + rest.size() == printed.size());
  CHECK(printed.ends_with(rest));
}

TEST_CASE("the times of a log that is written byte by byte stay within the log's bounds") {
  Bed bed;
  LogFile log = bed.open(1000);
  for (int i = 0; i < 2000; ++i)
    log.append("x", kStart + i * 1ms);
  CHECK(std::filesystem::file_size(bed.path.string() + ".times") <= 1000);
  CHECK(std::filesystem::file_size(bed.path.string() + ".1.times") <= 1000);
  // What comes within one millisecond shares an entry.
  const auto before = std::filesystem::file_size(bed.path.string() + ".times");
  for (int i = 0; i < 20; ++i)
    log.append("x", kStart + 2000ms);
  CHECK(std::filesystem::file_size(bed.path.string() + ".times") <= before + 16);
}

TEST_CASE("the options of pods/log") {
  Bed bed;
  LogFile log = bed.open();
  log.append("one\ntw", kStart);
  log.append("o\nthree\n", kStart + 10s);
  log.append("four", kStart + 20s);
  struct Case {
    std::string name;
    kube::LogOptions options;
    std::string text;
  };
  const Case cases[] = {
      {.name = "all", .options = {}, .text = "one\ntwo\nthree\nfour"},
      {.name = "tail", .options = {.tail_lines = 2}, .text = "three\nfour"},
      {.name = "tail of none", .options = {.tail_lines = 0}, .text = ""},
      {.name = "tail of more", .options = {.tail_lines = 9}, .text = "one\ntwo\nthree\nfour"},
      {.name = "limit", .options = {.limit_bytes = 5}, .text = "one\nt"},
      {.name = "since: whole lines that began later",
       .options = {.since = kStart + 5s},
       .text = "three\nfour"},
      {.name = "since the end", .options = {.since = kStart + 1h}, .text = ""},
      {.name = "times of the lines' first bytes",
       .options = {.timestamps = true},
       .text = "2026-11-21T00:00:00.000000Z one\n2026-11-21T00:00:00.000000Z two\n"
               "2026-11-21T00:00:10.000000Z three\n2026-11-21T00:00:20.000000Z four"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(bed.read(c.options) == c.text);
    }
  }
}

TEST_CASE("timestamps of very many tiny lines are those of their pieces") {
  Bed bed;
  LogFile log = bed.open(uint64_t{100} << 20);
  std::string expected;
  // Pieces that end in the middle of a line, over several chunks of the reader.
  for (int piece = 0; piece < 50; ++piece) {
    const auto at = kStart + std::chrono::seconds(piece);
    std::string text;
    for (int i = 0; i < 4'000; ++i)
      text += "x\n";
    log.append(text.substr(1) + "x", at);
    const std::string stamp = base::format_rfc3339_micro(at) + " ";
    for (int i = 0; i < 4'000; ++i)
      expected += (i == 0 && piece == 0 ? stamp
                   : i == 0             ? ""
                                        : stamp) +
                  (i == 0 ? std::string("\n") : std::string("x\n"));
    expected += stamp + "x";
  }
  CHECK((bed.read({.timestamps = true}) == expected));
}

TEST_CASE("a follower sees what comes, across rotations, until the container ends") {
  Bed bed;
  bed.finished = false;
  LogFile log = bed.open(300);
  log.append("first\n", kStart);
  const auto reader = bed.reader({.follow = true});
  std::string seen;
  std::thread follower([&] { seen = read_all(*reader); });
  std::string written = "first\n";
  for (int i = 0; i < 20; ++i) {
    // When the follower waits it has read everything so far.
    bed.clock.await_waiters(1);
    const std::string line = "line " + std::to_string(i) + " of some length\n";
    log.append(line, kStart);
    bed.clock.advance(1s);
    written += line;
  }
  bed.clock.await_waiters(1);
  bed.finished = true;
  bed.clock.advance(1s);
  follower.join();
  for (size_t at = seen.find("[sparkcron: "); at != std::string::npos;
       at = seen.find("[sparkcron: "))
    seen.erase(at, seen.find("]\n", at) + 2 - at);
  CHECK(seen == written);
}

TEST_CASE("a follower can be cancelled") {
  Bed bed;
  bed.finished = false;
  LogFile log = bed.open();
  const auto reader = bed.reader({.follow = true});
  base::Result<std::optional<std::string>> result;
  std::thread follower([&] { result = reader->read(); });
  bed.clock.await_waiters(1);
  reader->cancel();
  follower.join();
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == base::Code::Cancelled);
}

TEST_CASE("a pod's log is found by name and UID, with a kubelet's words when it is not") {
  tests::FakeClock clock;
  runner::node::PodLogs logs;
  logs.put({"default", "p"}, {.uid = "u1",
                              .containers_folder = "/nowhere",
                              .containers = {"a", "b"},
                              .finished = {{"a", true}}});
  const auto message = [&](const char* pod, const char* uid, kube::LogOptions options) {
    const auto opened = logs.open({"default", pod}, uid, options, clock);
    return opened ? std::string() : opened.error().message;
  };
  CHECK(message("q", "", {.container = "a"}) == "pods \"q\" not found");
  CHECK(message("p", "u2", {.container = "a"}) == "pods \"p\" not found");
  CHECK(message("p", "u1", {.container = "c"}) == "container c is not valid for pod p");
  CHECK(message("p", "u1", {.container = ""}) ==
        "a container name must be specified for pod p, choose one of: [a b]");
  CHECK(message("p", "u1", {.container = "b"}) ==
        "container \"b\" in pod \"p\" is waiting to start: ContainerCreating");
  CHECK(message("p", "u1", {.container = "a", .previous = true}) ==
        "previous terminated container \"a\" in pod \"p\" not found");
  CHECK(message("p", "u1", {.container = "a"}).empty());
}
