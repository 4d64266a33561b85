#include "monitor/health.h"

#include <atomic>

#include "base/log.h"
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
