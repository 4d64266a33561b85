#include "monitor/log_archive.h"

#include <fstream>
#include <vector>

#include "runner/node/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/monitor/temporary_folder.h"

namespace fs = std::filesystem;
using base::Code;
using monitor::FinishedLog;
using monitor::LogArchive;
using monitor::LogArchiveOptions;

namespace {

constexpr const char* kContainer = "spark-kubernetes-driver";
constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

struct Fixture {
  std::unique_ptr<LogArchive> open(LogArchiveOptions options = {}) {
    options.root = folder.path() / "logs";
    auto archive = LogArchive::open(std::move(options), clock);
    REQUIRE(archive);
    return std::move(*archive);
  }
  fs::path source(const std::string& name, const std::string& content) {
    const fs::path path = folder.path() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // As the node writes it: one line a second, from kStart on.
  fs::path printed(const std::string& name, const std::vector<std::string>& lines) {
    const fs::path path = folder.path() / name;
    auto log = runner::node::LogFile::open(path.string(), uint64_t{1} << 30);
    REQUIRE(log);
    base::WallTime now = kStart;
    for (const std::string& line : lines) {
      log->append(line, now);
      now += std::chrono::seconds(1);
    }
    return path;
  }
  FinishedLog log(const std::string& run, std::vector<fs::path> files) const {
    return {.run = {.ns = "etl", .name = run},
            .run_uid = run + "-uid",
            .pod = {.ns = "etl", .name = run + "-driver"},
            .pod_uid = run + "-pod",
            .container = kContainer,
            .files = std::move(files)};
  }
  tests::TemporaryFolder folder;
  tests::FakeClock clock{kStart};
};

std::string read(LogArchive& archive, const std::string& run, kube::LogOptions options = {}) {
  options.container = kContainer;
  auto reader = archive.open({.ns = "etl", .name = run + "-driver"}, "", options);
  if (!reader) return "error: " + reader.error().message;
  std::string all;
  while (true) {
    auto piece = (*reader)->read();
    REQUIRE(piece);
    if (!*piece) return all;
    all += **piece;
  }
}

size_t files_in(const fs::path& root) {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a log outlives its pod and the service", "[monitor]") {
  Fixture fixture;
  {
    const auto archive = fixture.open();
    REQUIRE(archive->keep(
        fixture.log("a", {fixture.source("1", "first\n"), fixture.source("2", "second\n")})));
    CHECK(read(*archive, "a") == "first\nsecond\n");
  }
  fs::remove(fixture.folder.path() / "1");
  fs::remove(fixture.folder.path() / "2");
  const auto archive = fixture.open();
  CHECK(read(*archive, "a") == "first\nsecond\n");
  CHECK(archive->total_bytes() == 13);
  CHECK(fs::exists(fixture.folder.path() / "logs/etl/a/a-uid/a-driver/a-pod" /
                   (std::string(kContainer) + ".log")));
  CHECK(read(*archive, "b") ==
        "error: the log of container spark-kubernetes-driver of pod b-driver is not kept");
}

TEST_CASE("the options of pods/log choose a part", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 20'000; ++i) {
    lines.push_back("line " + std::to_string(i) + "\n");
    text += lines.back();
  }
  REQUIRE(archive->keep(fixture.log("a", {fixture.printed("1", lines)})));
  struct Case {
    std::string name;
    kube::LogOptions options;
    std::string expected;
  };
  const Case cases[] = {
      {.name = "all", .options = {}, .expected = text},
      {.name = "two lines", .options = {.tail_lines = 2}, .expected = "line 19998\nline 19999\n"},
      {.name = "no lines", .options = {.tail_lines = 0}, .expected = ""},
      {.name = "more lines than there are", .options = {.tail_lines = 1'000'000}, .expected = text},
      {.name = "bytes", .options = {.limit_bytes = 6}, .expected = "line 0"},
      {.name = "bytes of the tail",
       .options = {.tail_lines = 1, .limit_bytes = 4},
       .expected = "line"},
      {.name = "since before", .options = {.since = base::WallTime{}}, .expected = text},
      {.name = "since a line",
       .options = {.since = kStart + std::chrono::seconds(19'998)},
       .expected = "line 19998\nline 19999\n"},
      {.name = "since after",
       .options = {.since = kStart + std::chrono::hours(24)},
       .expected = ""},
      {.name = "times",
       .options = {.timestamps = true, .tail_lines = 2},
       .expected =
           "2026-11-21T05:33:18.000000Z line 19998\n2026-11-21T05:33:19.000000Z line 19999\n"},
      {.name = "following what has ended ends",
       .options = {.follow = true, .tail_lines = 1},
       .expected = "line 19999\n"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK((read(*archive, "a", c.options) == c.expected));
    }
  }
  CHECK_THAT(read(*archive, "a", {.previous = true}), Catch::EndsWith("is not kept"));
}

TEST_CASE("a last line without a break is a line", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "one\ntwo\nthree")})));
  CHECK(read(*archive, "a", {.tail_lines = 1}) == "three");
  CHECK(read(*archive, "a", {.tail_lines = 2}) == "two\nthree");
}

TEST_CASE("of a long log the newest part is kept", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_log_bytes = 20});
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "0123456\n0123456\n"),
                                          fixture.source("2", "abcdefg\nabcdefg\n")})));
  CHECK(read(*archive, "a") ==
        "[sparkcron: the first 12 bytes or a little more were cut]\nabcdefg\nabcdefg\n");
}

TEST_CASE("lines keep their times when a log is joined and cut", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_log_bytes = 20});
  const std::vector<fs::path> files = {fixture.printed("1", {"aa\n", "bb\n", "cc\n"}),
                                       fixture.printed("2", {"dd\n", "ee\n", "ff\n", "gg\n"})};
  REQUIRE(archive->keep(fixture.log("whole", files)));
  CHECK(read(*archive, "whole", {.timestamps = true, .tail_lines = 5}) ==
        "2026-11-21T00:00:02.000000Z cc\n2026-11-21T00:00:00.000000Z dd\n"
        "2026-11-21T00:00:01.000000Z ee\n2026-11-21T00:00:02.000000Z ff\n"
        "2026-11-21T00:00:03.000000Z gg\n");
  const auto small = fixture.open({.max_log_bytes = 13});
  REQUIRE(small->keep(fixture.log("cut", files)));
  CHECK(read(*small, "cut", {.timestamps = true}) ==
        "2026-11-21T00:00:00.000000Z [sparkcron: the first 8 bytes or a little more were cut]\n"
        "2026-11-21T00:00:00.000000Z dd\n2026-11-21T00:00:01.000000Z ee\n"
        "2026-11-21T00:00:02.000000Z ff\n2026-11-21T00:00:03.000000Z gg\n");
}

TEST_CASE("without a container's name the only log of a pod is given", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  const kube::ObjectKey pod{.ns = "etl", .name = "a-driver"};
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "text\n")})));
  REQUIRE(archive->open(pod, "", {}));
  FinishedLog second = fixture.log("a", {fixture.source("1", "text\n")});
  second.container = "side";
  REQUIRE(archive->keep(second));
  const auto refused = archive->open(pod, "", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::InvalidArgument);
  CHECK_THAT(refused.error().message,
             Catch::EndsWith("choose one of: [side spark-kubernetes-driver]"));
}

TEST_CASE("keeping a log again replaces it", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "some\n")})));
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "some\nmore\n")})));
  CHECK(read(*archive, "a") == "some\nmore\n");
  CHECK(archive->total_bytes() == 10);
}

TEST_CASE("all logs together stay below the limit, the oldest go", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_total_bytes = 25});
  for (int i = 0; i < 5; ++i) {
    const std::string run = "run" + std::to_string(i);
    REQUIRE(archive->keep(fixture.log(run, {fixture.source("1", "123456789\n")})));
  }
  CHECK(archive->total_bytes() <= 25);
  CHECK(read(*archive, "run4") == "123456789\n");
  CHECK(files_in(fixture.folder.path() / "logs") == 4);  // each with its times
  CHECK(fixture.open({.max_total_bytes = 10})->total_bytes() == 10);
  CHECK(files_in(fixture.folder.path() / "logs") == 2);
}

TEST_CASE("a forgotten run leaves nothing, its namesake stays", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  const auto source = fixture.source("1", "text\n");
  FinishedLog namesake = fixture.log("a", {source});
  namesake.run_uid = "another";
  namesake.pod_uid = "another";
  REQUIRE(archive->keep(fixture.log("a", {source})));
  REQUIRE(archive->keep(fixture.log("ab", {source})));
  REQUIRE(archive->keep(namesake));
  archive->forget({.ns = "etl", .name = "a"}, "a-uid");
  CHECK_FALSE(fs::exists(fixture.folder.path() / "logs/etl/a/a-uid"));
  CHECK(fs::exists(fixture.folder.path() / "logs/etl/a/another"));
  CHECK(read(*archive, "a") == "text\n");
  archive->forget({.ns = "etl", .name = "a"}, "another");
  CHECK_FALSE(fs::exists(fixture.folder.path() / "logs/etl/a"));
  CHECK_THAT(read(*archive, "a"), Catch::EndsWith("is not kept"));
  CHECK(read(*archive, "ab") == "text\n");
}

TEST_CASE("names that would leave the folder are refused", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  for (const char* bad : {"..", "", "a/b", ".hidden"}) {
    DYNAMIC_SECTION("'" << bad << "'") {
      FinishedLog log = fixture.log("a", {});
      log.pod.name = bad;
      const auto kept = archive->keep(log);
      REQUIRE_FALSE(kept);
      CHECK(kept.error().code == Code::InvalidArgument);
      archive->forget({.ns = "..", .name = bad}, "x");
    }
  }
}

TEST_CASE("a copy that a crash has cut off is removed", "[monitor]") {
  Fixture fixture;
  REQUIRE(fixture.open()->keep(fixture.log("a", {fixture.source("1", "text\n")})));
  const fs::path part = fixture.folder.path() / "logs/etl/a/a-uid/a-driver/a-pod/x.log.part";
  std::ofstream(part) << "half";
  const auto archive = fixture.open();
  CHECK_FALSE(fs::exists(part));
  CHECK(read(*archive, "a") == "text\n");
}
