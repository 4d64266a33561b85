#include "monitor/health.h"

#include <atomic>
#include <new>

#include "base/log.h"
#include "monitor/disk_space.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/recording_responder.h"

using monitor::Health;
using monitor::HealthKind;
using tests::ask;

TEST_CASE("health endpoints answer as an API server does", "[monitor]") {
  base::set_log_level(base::LogLevel::Off);
  bool store_is_well = true;
  bool api_is_there = true;
  Health health;
  health.add("store", HealthKind::Live, [&]() -> base::Status {
    if (!store_is_well) return base::failure(base::Code::Unavailable, "disk /secret/path is full");
    return {};
  });
  health.add("api", HealthKind::Ready, [&]() -> base::Status {
    if (!api_is_there) return base::failure(base::Code::Unavailable, "no API yet");
    return {};
  });
  struct Case {
    std::string name;
    bool store = true;
    bool api = true;
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;
    int status = 200;
    std::string body;
  };
  const Case cases[] = {
      {.name = "all is well", .path = "/healthz", .body = "ok"},
      {.name = "verbose",
       .path = "/readyz",
       .query = {{"verbose", ""}},
       .body = "[+]ping ok\n[+]store ok\n[+]api ok\nreadyz check passed\n"},
      {.name = "live does not ask what may pass", .api = false, .path = "/livez", .body = "ok"},
      {.name = "not ready",
       .api = false,
       .path = "/readyz",
       .status = 500,
       .body = "[+]ping ok\n[+]store ok\n[-]api failed: reason withheld\nreadyz check failed\n"},
      {.name = "not live",
       .store = false,
       .path = "/livez",
       .status = 500,
       .body = "[+]ping ok\n[-]store failed: reason withheld\nlivez check failed\n"},
      {.name = "excluded",
       .api = false,
       .path = "/readyz",
       .query = {{"exclude", "api"}, {"verbose", "true"}},
       .body = "[+]ping ok\n[+]store ok\n[+]api excluded: ok\nreadyz check passed\n"},
      {.name = "one of them", .store = false, .path = "/readyz/api", .body = "ok"},
      {.name = "no such one",
       .path = "/livez/api",
       .status = 404,
       .body = "no health check of this name\n"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      store_is_well = c.store;
      api_is_there = c.api;
      const auto answer = ask(health.handler(), c.path, c.query);
      CHECK(answer.status == c.status);
      CHECK(answer.body == c.body);
    }
  }
}

TEST_CASE("a warning is shown and fails nothing", "[monitor]") {
  base::set_log_level(base::LogLevel::Off);
  Health health;
  health.add("disk", HealthKind::Warning,
             [] { return base::Status(base::failure(base::Code::Unavailable, "3 MiB are free")); });
  CHECK(ask(health.handler(), "/readyz").body == "ok");
  const auto verbose = ask(health.handler(), "/readyz", {{"verbose", ""}});
  CHECK(verbose.status == 200);
  CHECK(verbose.body == "[+]ping ok\n[!]disk warning: 3 MiB are free\nreadyz check passed\n");
  CHECK(ask(health.handler(), "/livez", {{"verbose", ""}}).body ==
        "[+]ping ok\nlivez check passed\n");
}

TEST_CASE("a note is shown as well, and fails nothing", "[monitor]") {
  Health health;
  health.add("leadership", HealthKind::Note,
             [] { return base::Status(base::failure(base::Code::Unavailable, "standby")); });
  CHECK(ask(health.handler(), "/readyz").body == "ok");
  CHECK(ask(health.handler(), "/readyz", {{"verbose", ""}}).body ==
        "[+]ping ok\n[+]leadership ok: standby\nreadyz check passed\n");
}

TEST_CASE("a check that throws has failed, and the others are asked", "[monitor]") {
  base::set_log_level(base::LogLevel::Off);
  Health health;
  health.add("broken", HealthKind::Ready, []() -> base::Status { throw std::bad_alloc(); });
  health.add("well", HealthKind::Ready, [] { return base::Status{}; });
  const auto answer = ask(health.handler(), "/readyz");
  CHECK(answer.status == 500);
  CHECK(answer.body ==
        "[+]ping ok\n[-]broken failed: reason withheld\n[+]well ok\nreadyz check failed\n");
}

TEST_CASE("hostile questions about health get short answers", "[monitor]") {
  base::set_log_level(base::LogLevel::Off);
  Health health;
  const std::string huge(60'000, 'x');
  for (const std::string& path : {"/readyz/" + huge, std::string("/readyz/"), std::string("/"),
                                  std::string(), std::string("//"), "/" + huge}) {
    const auto answer = ask(health.handler(), path, {{"exclude", huge}, {huge, huge}});
    CHECK(answer.body.size() < 100 + (path.size() > 1 && path[1] == 'x' ? huge.size() : 0));
  }
}

TEST_CASE("a disk is warned of before it is full", "[monitor]") {
  constexpr uint64_t kMebibyte = uint64_t{1} << 20;
  constexpr uint64_t kGibibyte = uint64_t{1} << 30;
  struct Case {
    std::string name;
    monitor::DiskSpace space;
    std::string warning;
  };
  const Case cases[] = {
      {.name = "enough", .space = {.free_bytes = kGibibyte, .total_bytes = 100 * kGibibyte}},
      {.name = "little",
       .space = {.free_bytes = 511 * kMebibyte, .total_bytes = 100 * kGibibyte},
       .warning = "only 511 MiB are free where the data is"},
      {.name = "a small disk", .space = {.free_bytes = 60 * kMebibyte, .total_bytes = kGibibyte}},
      {.name = "a small disk that is full",
       .space = {.free_bytes = 50 * kMebibyte, .total_bytes = kGibibyte},
       .warning = "only 50 MiB are free where the data is"},
      {.name = "no more files",
       .space = {.free_bytes = kGibibyte,
                 .total_bytes = kGibibyte,
                 .free_files = 9,
                 .total_files = 1'000},
       .warning = "only 9 more files can be made where the data is"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const base::Status status = monitor::check_disk_space(c.space);
      CHECK((status ? std::string{} : status.error().message) == c.warning);
    }
  }
  CHECK(monitor::disk_space_at("/")->total_bytes > 0);
  CHECK(monitor::disk_space_at("/no/such").error().code == base::Code::Unavailable);
}
