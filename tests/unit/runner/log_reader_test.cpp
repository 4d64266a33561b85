#include "runner/log_reader.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

#include "tests/support/catch.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

class Log {
 public:
  Log() {
    std::string pattern = fs::temp_directory_path() / "log-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Log() { fs::remove_all(folder_); }
  void append(const std::string& text) const {
    std::ofstream(folder_ / "log", std::ios::app) << text;
  }
  void rotate() const { fs::rename(folder_ / "log", folder_ / "log.1"); }
  [[nodiscard]] LogFiles files(bool finished) const {
    LogFiles now{.paths = {}, .finished = finished};
    for (const char* name : {"log.1", "log"}) {
      if (fs::exists(folder_ / name)) now.paths.push_back(folder_ / name);
    }
    return now;
  }

 private:
  fs::path folder_;
};

std::string read_all(kube::LogReader& reader) {
  std::string all;
  while (true) {
    const auto data = reader.read();
    REQUIRE(data.has_value());
    if (!*data) return all;
    all += **data;
  }
}

TEST_CASE("a log is read from its oldest file, or from its last lines") {
  const Log log;
  log.append("one\ntwo\n");
  log.rotate();
  log.append("three\nfour");
  struct Case {
    std::string name;
    kube::LogOptions options;
    std::string expected;
  };
  const Case cases[] = {
      {.name = "all", .options = {.container = "c"}, .expected = "one\ntwo\nthree\nfour"},
      {.name = "last", .options = {.container = "c", .tail_lines = 1}, .expected = "four"},
      {.name = "last two",
       .options = {.container = "c", .tail_lines = 2},
       .expected = "three\nfour"},
      {.name = "over the rotation",
       .options = {.container = "c", .tail_lines = 3},
       .expected = "two\nthree\nfour"},
      {.name = "more than there are",
       .options = {.container = "c", .tail_lines = 9},
       .expected = "one\ntwo\nthree\nfour"},
      {.name = "none", .options = {.container = "c", .tail_lines = 0}, .expected = ""},
      {.name = "bytes", .options = {.container = "c", .limit_bytes = 5}, .expected = "one\nt"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto reader =
          read_log_files([&] { return log.files(true); }, c.options, base::real_clock());
      REQUIRE(reader.has_value());
      CHECK(read_all(**reader) == c.expected);
    }
  }
}

TEST_CASE("following sees what is added, over a rotation, to the end") {
  const Log log;
  log.append("begin\n");
  int looks = 0;
  // Each look at the files is a moment: the log grows by one step.
  const auto locate = [&]() -> base::Result<LogFiles> {
    switch (looks++) {
      case 1:
        log.append("more\n");
        break;
      case 2:
        log.rotate();
        log.append("after\n");
        break;
      case 3:
        log.append("end\n");
        break;
      default:
        break;
    }
    return log.files(looks > 4);
  };
  const auto reader =
      read_log_files(locate, {.container = "c", .follow = true}, base::real_clock());
  REQUIRE(reader.has_value());
  CHECK(read_all(**reader) == "begin\nmore\nafter\nend\n");
}

TEST_CASE("a follower can be cancelled from another thread") {
  const Log log;
  log.append("x\n");
  const auto reader = read_log_files([&] { return log.files(false); },
                                     {.container = "c", .follow = true}, base::real_clock());
  REQUIRE(reader.has_value());
  CHECK((*reader)->read().value() == "x\n");
  std::jthread canceller([&] { (*reader)->cancel(); });
  const auto ended = (*reader)->read();
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().code == base::Code::Cancelled);
}

TEST_CASE("what the files do not know is refused in words") {
  const Log log;
  const auto reader = read_log_files([&] { return log.files(true); },
                                     {.container = "c", .timestamps = true}, base::real_clock());
  REQUIRE_FALSE(reader.has_value());
  CHECK(reader.error().message ==
        "the times of log lines are not kept here: leave out --timestamps and --since");
}

}  // namespace
}  // namespace runner
