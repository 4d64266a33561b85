#include "monitor/log_archive.h"

#include <filesystem>
#include <fstream>
#include <vector>

#include <sys/stat.h>

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
    options.least_bytes = 100;  // more than a short log comes to when it is packed
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
  CHECK(archive->total_bytes() == 100);
  CHECK(fs::exists(fixture.folder.path() / "logs/etl/-/a/a-uid/a-driver/a-pod" /
                   (std::string(kContainer) + ".log.gz")));
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
  // Each line has its time in front of it, 28 bytes.
  const auto archive = fixture.open({.max_log_bytes = 72});
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", "0123456\n0123456\n"),
                                          fixture.source("2", "abcdefg\nabcdefg\n")})));
  CHECK(read(*archive, "a") == "[sparkcron: the first 72 bytes were cut]\nabcdefg\nabcdefg\n");
}

TEST_CASE("lines keep their times when a log is joined and cut", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  const std::vector<fs::path> files = {fixture.printed("1", {"aa\n", "bb\n", "cc\n"}),
                                       fixture.printed("2", {"dd\n", "ee\n", "ff\n", "gg\n"})};
  REQUIRE(archive->keep(fixture.log("whole", files)));
  CHECK(read(*archive, "whole", {.timestamps = true, .tail_lines = 5}) ==
        "2026-11-21T00:00:02.000000Z cc\n2026-11-21T00:00:00.000000Z dd\n"
        "2026-11-21T00:00:01.000000Z ee\n2026-11-21T00:00:02.000000Z ff\n"
        "2026-11-21T00:00:03.000000Z gg\n");
  const auto small = fixture.open({.max_log_bytes = 100});
  REQUIRE(small->keep(fixture.log("cut", files)));
  CHECK(read(*small, "cut", {.timestamps = true}) ==
        "[sparkcron: the first 124 bytes were cut]\n2026-11-21T00:00:01.000000Z ee\n"
        "2026-11-21T00:00:02.000000Z ff\n2026-11-21T00:00:03.000000Z gg\n");
}

TEST_CASE("a kept log is packed, and takes a fraction of what was printed", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  std::string text;
  for (int i = 0; i < 50'000; ++i)
    text += "26/11/21 00:00:00 INFO TaskSetManager: Finished task " + std::to_string(i) + "\n";
  REQUIRE(archive->keep(fixture.log("a", {fixture.source("1", text)})));
  CHECK(archive->total_bytes() * 5 < text.size());
  CHECK((read(*archive, "a") == text));
}

TEST_CASE("a log that an earlier version kept plain is read, bounded and removed", "[monitor]") {
  Fixture fixture;
  const fs::path pod = fixture.folder.path() / "logs/etl/-/a/a-uid/a-driver/a-pod";
  fs::create_directories(pod);
  const fs::path plain = pod / (std::string(kContainer) + ".log");
  fs::rename(fixture.printed("1", {"one\n", "two\n"}), plain);
  fs::rename(fixture.folder.path() / "1.times", plain.string() + ".times");
  const auto archive = fixture.open();
  CHECK(read(*archive, "a", {.timestamps = true}) ==
        "2026-11-21T00:00:00.000000Z one\n2026-11-21T00:00:01.000000Z two\n");
  CHECK(archive->total_bytes() == 100);
  archive->forget({.ns = "etl", .name = "a"}, "a-uid");
  CHECK(files_in(fixture.folder.path() / "logs") == 0);
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
  CHECK(archive->total_bytes() == 100);
}

TEST_CASE("all logs together stay below the limit, the oldest go", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_total_bytes = 250});
  for (int i = 0; i < 5; ++i) {
    const std::string run = "run" + std::to_string(i);
    REQUIRE(archive->keep(fixture.log(run, {fixture.source("1", "123456789\n")})));
  }
  CHECK(archive->total_bytes() <= 250);
  CHECK(read(*archive, "run4") == "123456789\n");
  CHECK(files_in(fixture.folder.path() / "logs") == 2);
  CHECK(fixture.open({.max_total_bytes = 100})->total_bytes() == 100);
  CHECK(files_in(fixture.folder.path() / "logs") == 1);
}

TEST_CASE("each attempt's log is found, after a restart as well", "[monitor]") {
  Fixture fixture;
  const auto keep = [&](LogArchive& archive, const std::string& run_uid, int64_t attempt,
                        const std::string& text) {
    FinishedLog log = fixture.log("a", {fixture.source("1", text)});
    log.run_uid = run_uid;
    log.pod_uid = run_uid + "-" + text;
    log.attempt = attempt;
    REQUIRE(archive.keep(log));
    // A file's time is the real one: a restart orders by it.
    const fs::path path = fixture.folder.path() / "logs/etl/-/a" / run_uid / "a-driver" /
                          log.pod_uid / monitor::log_file_name(kContainer, attempt);
    REQUIRE(fs::exists(path));
    fixture.clock.advance(std::chrono::seconds(1));
    fs::last_write_time(path, fs::file_time_type::clock::now() + (fixture.clock.now() - kStart));
  };
  const auto text_of = [](LogArchive& archive, int64_t attempt) {
    const auto reader =
        archive.open_run({.run = {.ns = "etl", .name = "a"}, .attempt = attempt}, {});
    if (!reader) return reader.error().message;
    return (*reader)->read().value().value_or("");
  };
  auto archive = fixture.open();
  SECTION("one run") {
    keep(*archive, "r1", 1, "first");
    keep(*archive, "r1", 2, "second");
    keep(*archive, "r1", 4, "fourth");
    for (int times = 0; times < 2; ++times) {
      CHECK(text_of(*archive, 0) == "fourth");
      CHECK(text_of(*archive, 1) == "first");
      CHECK(text_of(*archive, 2) == "second");
      CHECK(text_of(*archive, 3) ==
            "no log of attempt 3 of run etl/a is kept, but of attempts 1, 2 and 4");
      archive.reset();
      archive = fixture.open();
    }
  }
  SECTION("one that was submitted twice") {
    keep(*archive, "r1", 1, "first");
    keep(*archive, "r1", 1, "again");
    keep(*archive, "r1", 2, "second");
    CHECK(text_of(*archive, 1) == "again");
  }
  SECTION("a namesake's are not this one's") {
    keep(*archive, "r0", 1, "of a run before");
    keep(*archive, "r1", 2, "second");
    CHECK(text_of(*archive, 2) == "second");
    CHECK(text_of(*archive, 1) == "no log of attempt 1 of run etl/a is kept, but of attempt 2");
  }
  SECTION("whose pod an earlier version made is the newest only") {
    keep(*archive, "r1", 0, "unknown");
    CHECK(text_of(*archive, 0) == "unknown");
    CHECK(text_of(*archive, 1) == "no log of attempt 1 of run etl/a is kept");
  }
  SECTION("of another container") {
    keep(*archive, "r1", 1, "first");
    const auto reader = archive->open_run(
        {.run = {.ns = "etl", .name = "a"}, .attempt = 1, .container = "sidecar"}, {});
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == Code::NotFound);
  }
}

TEST_CASE("names of logs say their container and attempt", "[monitor]") {
  struct Case {
    std::string name;
    std::string container;
    int64_t attempt;
  };
  const Case cases[] = {{"spark.log.gz", "spark", 0},
                        {"spark.log", "spark", 0},
                        {"spark.attempt-12.log.gz", "spark", 12},
                        {"attempt-1.log.gz", "attempt-1", 0},
                        {"spark.attempt-x.log.gz", "spark.attempt-x", 0},
                        {"spark.attempt-0.log.gz", "spark.attempt-0", 0}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto file = monitor::parse_log_file_name(c.name);
    REQUIRE(file);
    CHECK(file->container == c.container);
    CHECK(file->attempt == c.attempt);
  }
  for (const char* other :
       {"", ".log.gz", ".log", ".attempt-1.log.gz", "spark.log.gz.part", "spark"})
    CHECK_FALSE(monitor::parse_log_file_name(other));
  CHECK(monitor::log_file_name("spark", 12) == "spark.attempt-12.log.gz");
  CHECK(monitor::log_file_name("spark", 0) == "spark.log.gz");
}

TEST_CASE("of many attempts an error names the last", "[monitor]") {
  std::vector<monitor::FoundLog> found;
  for (int64_t attempt = 1; attempt <= 1'000; ++attempt)
    found.push_back({.run_uid = "r", .file = {.container = "spark", .attempt = attempt}});
  const auto none =
      monitor::choose_log({.run = {"etl", "a"}, .attempt = 2'000}, found, " in bucket x");
  REQUIRE_FALSE(none);
  CHECK(none.error().message ==
        "no log of attempt 2000 of run etl/a is kept in bucket x, but of attempts 991, 992, 993, "
        "994, 995, 996, 997, 998, 999 and 1000");
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
  CHECK_FALSE(fs::exists(fixture.folder.path() / "logs/etl/-/a/a-uid"));
  CHECK(fs::exists(fixture.folder.path() / "logs/etl/-/a/another"));
  CHECK(read(*archive, "a") == "text\n");
  archive->forget({.ns = "etl", .name = "a"}, "another");
  CHECK_FALSE(fs::exists(fixture.folder.path() / "logs/etl/-/a"));
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
  const fs::path part = fixture.folder.path() / "logs/etl/-/a/a-uid/a-driver/a-pod/x.log.part";
  std::ofstream(part) << "half";
  const auto archive = fixture.open();
  CHECK_FALSE(fs::exists(part));
  CHECK(read(*archive, "a") == "text\n");
}

TEST_CASE("a flood of one schedule pushes out only its own logs", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_total_bytes = 1'000});
  const auto keep = [&](const std::string& schedule, const std::string& run) {
    FinishedLog log = fixture.log(run, {fixture.source("1", "123456789\n")});
    log.schedule = schedule;
    REQUIRE(archive->keep(log));
    fixture.clock.advance(std::chrono::seconds(1));
  };
  keep("nightly", "nightly-1");
  keep("", "by-hand");
  keep("weekly", "weekly-1");
  for (int i = 10; i < 60; ++i)
    keep("flood", "flood-" + std::to_string(i));
  for (const char* run : {"nightly-1", "weekly-1", "by-hand", "flood-59"})
    CHECK(read(*archive, run) == "123456789\n");
  CHECK_THAT(read(*archive, "flood-10"), Catch::EndsWith("is not kept"));
  CHECK(archive->total_bytes() == 1'000);
  CHECK(files_in(fixture.folder.path() / "logs") == 10);
}

TEST_CASE("of one schedule no more than its share is kept", "[monitor]") {
  Fixture fixture;
  const LogArchiveOptions options{.max_schedule_bytes = 300};
  const auto archive = fixture.open(options);
  for (int i = 0; i < 9; ++i) {
    FinishedLog log = fixture.log("run" + std::to_string(i), {fixture.source("1", "123456789\n")});
    log.schedule = i % 2 == 0 ? "even" : "odd";
    REQUIRE(archive->keep(log));
  }
  CHECK(archive->total_bytes() == 600);
  CHECK(fs::exists(fixture.folder.path() / "logs/etl/even/run8"));
  CHECK_FALSE(fs::exists(fixture.folder.path() / "logs/etl/even/run2"));
  // The path says whose they are: the next start knows.
  CHECK(fixture.open({.max_schedule_bytes = 100})->total_bytes() == 200);
}

TEST_CASE("empty logs are bounded in number", "[monitor]") {
  Fixture fixture;
  LogArchiveOptions options{.root = fixture.folder.path() / "logs", .max_total_bytes = 160'000};
  auto archive = LogArchive::open(options, fixture.clock);
  REQUIRE(archive);
  for (int i = 0; i < 40; ++i)
    REQUIRE((*archive)->keep(fixture.log("run" + std::to_string(i), {fixture.source("1", "")})));
  CHECK((*archive)->total_bytes() <= 160'000);
  CHECK(files_in(options.root) == 9);
}

TEST_CASE("old logs go, a few at a time", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open({.max_age = std::chrono::hours(24)});
  for (int i = 0; i < 20; ++i)
    REQUIRE(archive->keep(fixture.log("old" + std::to_string(i), {fixture.source("1", "x\n")})));
  fixture.clock.advance(std::chrono::hours(25));
  REQUIRE(archive->keep(fixture.log("new1", {fixture.source("1", "x\n")})));
  CHECK(files_in(fixture.folder.path() / "logs") == 5);
  REQUIRE(archive->keep(fixture.log("new2", {fixture.source("1", "x\n")})));
  CHECK(files_in(fixture.folder.path() / "logs") == 2);
}

TEST_CASE("archived logs are private whatever the umask", "[monitor]") {
  Fixture fixture;
  const fs::path root = fixture.folder.path() / "logs";
  SECTION("in a new folder") {
    CHECK_FALSE(fs::exists(root));
  }
  SECTION("in one that others could write to") {
    CHECK(fs::create_directory(root));
    fs::permissions(root, fs::perms::all);
  }
  const mode_t before = ::umask(0);
  const auto archive = fixture.open();
  const auto kept = archive->keep(fixture.log("a", {fixture.source("1", "text\n")}));
  ::umask(before);
  REQUIRE(kept);
  CHECK(fs::status(root).permissions() == fs::perms::owner_all);
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    INFO(entry.path().string());
    CHECK(entry.status().permissions() == (entry.is_directory()
                                               ? fs::perms::owner_all
                                               : fs::perms::owner_read | fs::perms::owner_write));
  }
}

TEST_CASE("a folder of logs that cannot be read hides no others", "[monitor]") {
  Fixture fixture;
  {
    const auto archive = fixture.open();
    for (const char* run : {"a", "b", "c"})
      REQUIRE(archive->keep(fixture.log(run, {fixture.source("1", "text\n")})));
  }
  const fs::path odd = fixture.folder.path() / "logs/etl/-/b";
  // Root reads everything: a loop of links is what nobody can enter.
  fs::remove_all(odd);
  fs::create_symlink("b", odd);
  fs::create_symlink("/etc/passwd", fixture.folder.path() / "logs/etl/-/a/a-uid/link.log");
  const auto archive = fixture.open();
  CHECK(read(*archive, "a") == "text\n");
  CHECK(read(*archive, "c") == "text\n");
  CHECK(archive->total_bytes() == 200);
}

TEST_CASE("logs of the layout before schedules had a part are found", "[monitor]") {
  Fixture fixture;
  REQUIRE(fixture.open()->keep(fixture.log("a", {fixture.source("1", "text\n")})));
  const fs::path etl = fixture.folder.path() / "logs/etl";
  fs::rename(etl / "-/a", etl / "a");
  const auto archive = fixture.open();
  CHECK(read(*archive, "a") == "text\n");
  archive->forget({.ns = "etl", .name = "a"}, "a-uid");
  CHECK(files_in(fixture.folder.path() / "logs") == 0);
}

TEST_CASE("a log that cannot be copied leaves nothing", "[monitor]") {
  Fixture fixture;
  const auto archive = fixture.open();
  const fs::path pod = fixture.folder.path() / "logs/etl/-/a/a-uid/a-driver/a-pod";
  fs::create_directories(pod / (std::string(kContainer) + ".log.gz"));
  const auto kept = archive->keep(fixture.log("a", {fixture.source("1", "text\n")}));
  REQUIRE_FALSE(kept);
  CHECK(kept.error().code == Code::Unavailable);
  CHECK_THAT(kept.error().message, Catch::Contains(pod.string()));
  CHECK(files_in(fixture.folder.path() / "logs") == 0);
  CHECK(archive->total_bytes() == 0);
}
