#include "monitor/log_archive.h"

#include <fstream>

#include "tests/support/catch.h"
#include "tests/unit/monitor/temporary_folder.h"

namespace fs = std::filesystem;
using base::Code;
using monitor::FinishedLog;
using monitor::LogArchive;
using monitor::LogArchiveOptions;

namespace {

constexpr const char* kContainer = "spark-kubernetes-driver";

struct Fixture {
  std::unique_ptr<LogArchive> open(LogArchiveOptions options = {}) {
    options.root = folder.path() / "logs";
    auto archive = LogArchive::open(std::move(options));
    REQUIRE(archive);
    return std::move(*archive);
  }
  fs::path source(const std::string& name, const std::string& content) {
    const fs::path path = folder.path() / name;
    std::ofstream(path, std::ios::binary) << content;
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
  for (int i = 0; i < 100'000; ++i)
    text += "line " + std::to_string(i) + "\n";
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", text)})));
  struct Case {
    std::string name;
    kube::LogOptions options;
    std::string expected;
  };
  const Case cases[] = {
      {.name = "all", .options = {}, .expected = text},
      {.name = "two lines", .options = {.tail_lines = 2}, .expected = "line 99998\nline 99999\n"},
      {.name = "no lines", .options = {.tail_lines = 0}, .expected = ""},
      {.name = "more lines than there are", .options = {.tail_lines = 1'000'000}, .expected = text},
      {.name = "bytes", .options = {.limit_bytes = 6}, .expected = "line 0"},
      {.name = "bytes of the tail",
       .options = {.tail_lines = 1, .limit_bytes = 4},
       .expected = "line"},
      {.name = "since before", .options = {.since = base::WallTime{}}, .expected = text},
      {.name = "since after",
       .options = {.since = base::WallTime{std::chrono::hours(24 * 365 * 200)}},
       .expected = ""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK((read(*archive, "a", c.options) == c.expected));
    }
  }
  CHECK_THAT(read(*archive, "a", {.timestamps = true}),
             Catch::EndsWith("its lines have no times, ask without timestamps"));
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
  CHECK(files_in(fixture.folder.path() / "logs") == 2);
  CHECK(fixture.open({.max_total_bytes = 10})->total_bytes() == 10);
  CHECK(files_in(fixture.folder.path() / "logs") == 1);
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
