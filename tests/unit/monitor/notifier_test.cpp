// Notices on their way to a receiver that works, refuses, or is not there.

#include "monitor/notifier.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/http/server.h"
#include "base/log.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using monitor::Ledger;
using monitor::Notice;
using monitor::Notices;
using monitor::Notifier;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::await;
using tests::LedgerFixture;

namespace {

// Answers as it is told to, else 200.
class Receiver {
 public:
  Receiver() {
    auto server = base::http::Server::listen(
        {.address = "127.0.0.1", .port = 0},
        [this](const base::http::Request& request,
               const std::shared_ptr<base::http::Responder>& responder) {
          int status = 200;
          {
            base::MutexLock lock(mutex_);
            bodies_.push_back(request.body);
            targets_.push_back(request.method + " " + request.target());
            if (!answers_.empty()) {
              status = answers_.front();
              answers_.pop_front();
            }
          }
          responder->send({.status = status, .headers = {}, .body = "ok"});
        });
    REQUIRE(server);
    server_ = std::move(*server);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + "/services/geheim?x=1";
  }
  void answer(std::deque<int> statuses) {
    base::MutexLock lock(mutex_);
    answers_ = std::move(statuses);
  }
  size_t posts() const {
    base::MutexLock lock(mutex_);
    return bodies_.size();
  }
  std::vector<std::string> texts() const {
    base::MutexLock lock(mutex_);
    std::vector<std::string> texts;
    for (const std::string& body : bodies_)
      texts.push_back(nlohmann::json::parse(body)["text"].get<std::string>());
    return texts;
  }
  std::vector<std::string> targets() const {
    base::MutexLock lock(mutex_);
    return targets_;
  }

 private:
  mutable base::Mutex mutex_;
  std::vector<std::string> bodies_ GUARDED_BY(mutex_);
  std::vector<std::string> targets_ GUARDED_BY(mutex_);
  std::deque<int> answers_ GUARDED_BY(mutex_);
  std::unique_ptr<base::http::Server> server_;
};

struct Bed {
  Bed() {
    base::set_log_level(base::LogLevel::Off);
    monitor::LedgerOptions options;
    options.notices = Notices::Kept;
    options.on_notice = [this] {
      if (notifier) notifier->wake();
    };
    ledger = fixture.open(std::move(options));
  }
  void start(monitor::NotifierOptions options = {}) {
    auto url = monitor::parse_notice_url(receiver.url());
    REQUIRE(url);
    options.url = *url;
    auto made = Notifier::create(std::move(options), *ledger, fixture.clock);
    REQUIRE(made);
    notifier = std::move(*made);
    idle();
  }
  void fail(const std::string& uid) { REQUIRE(ledger->record_run(fixture.ended(uid, "FAILED"))); }
  void idle() { fixture.clock.await_waiters(1); }
  void advance(std::chrono::milliseconds by) {
    idle();
    fixture.clock.advance(by);
  }
  size_t waiting() const { return ledger->notices(1'000).value().size(); }

  LedgerFixture fixture;
  Receiver receiver;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Notifier> notifier;
};

}  // namespace

TEST_CASE("a notice is posted once and then gone", "[monitor]") {
  Bed bed;
  bed.start();
  bed.fail("1");
  REQUIRE(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.texts() == std::vector<std::string>{"etl/nightly failed: run nightly-1"});
  CHECK(bed.receiver.targets() == std::vector<std::string>{"POST /services/geheim?x=1"});
  CHECK(bed.notifier->numbers().posted == 1);
  CHECK(bed.notifier->condition());
}

TEST_CASE("what an earlier process has left is posted at the start", "[monitor]") {
  Bed bed;
  bed.fail("1");
  bed.fail("2");
  bed.start();
  CHECK(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.posts() == 2);
}

TEST_CASE("a receiver that refuses gets it again, later and later, in order", "[monitor]") {
  Bed bed;
  bed.receiver.answer({503, 404, 200});
  bed.start();
  bed.fail("1");
  REQUIRE(await([&] { return bed.notifier->numbers().failures == 1; }));
  const base::Status failed = bed.notifier->condition();
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().message, Catch::EndsWith(" answered 503"));
  CHECK_THAT(failed.error().message, !Catch::Contains("geheim"));
  // Another one in between hurries nobody.
  bed.fail("2");
  bed.advance(seconds(5));
  REQUIRE(await([&] { return bed.notifier->numbers().failures == 2; }));
  bed.advance(seconds(9));
  bed.idle();
  CHECK(bed.receiver.posts() == 2);
  bed.advance(seconds(1));
  REQUIRE(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.texts() == std::vector<std::string>{"etl/nightly failed: run nightly-1",
                                                         "etl/nightly failed: run nightly-1",
                                                         "etl/nightly failed: run nightly-1",
                                                         "etl/nightly failed: run nightly-2"});
  CHECK(bed.notifier->condition());
}

TEST_CASE("a notice that nobody received in an hour is given up and counted", "[monitor]") {
  Bed bed;
  bed.receiver.answer(std::deque<int>(1'000, 500));
  bed.start();
  bed.fail("1");
  REQUIRE(await([&] { return bed.notifier->numbers().failures == 1; }));
  const auto attempts = [&] {
    return bed.notifier->numbers().failures + bed.notifier->numbers().dropped;
  };
  while (bed.waiting() > 0) {
    const uint64_t before = attempts();
    bed.advance(minutes(5));
    REQUIRE(await([&] { return attempts() > before; }));
    bed.idle();  // what is given up is counted a moment before it is gone
  }
  CHECK(bed.notifier->numbers().dropped == 1);
  CHECK(bed.notifier->numbers().posted == 0);
  CHECK(bed.receiver.posts() >= 12);
}

TEST_CASE("a replica that does not lead posts nothing and keeps a minute of it", "[monitor]") {
  Bed bed;
  std::atomic<bool> leads{false};
  bed.start({.url = {}, .leading = [&leads] { return leads.load(); }, .wish = {}});
  bed.fail("1");
  bed.idle();
  bed.advance(minutes(1));
  bed.idle();
  bed.fail("2");
  bed.advance(seconds(59));
  bed.advance(seconds(1));
  REQUIRE(await([&] { return bed.waiting() == 1; }));
  CHECK(bed.receiver.posts() == 0);
  leads = true;
  bed.notifier->wake();
  REQUIRE(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.texts() == std::vector<std::string>{"etl/nightly failed: run nightly-2"});
}

TEST_CASE("what nobody wants is not posted", "[monitor]") {
  Bed bed;
  bed.start({.url = {}, .leading = {}, .wish = [](const Notice& notice) {
               return std::string(notice.run == "nightly-1" ? "none" : "failed");
             }});
  bed.fail("1");
  bed.fail("2");
  REQUIRE(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.texts() == std::vector<std::string>{"etl/nightly failed: run nightly-2"});
}

TEST_CASE("a message of any bytes is posted", "[monitor]") {
  Bed bed;
  bed.start();
  runner::RunRecord run = bed.fixture.ended("1", "FAILED");
  run.message = "\xff\xfe \x01 \" </script> \xe2\x82";
  REQUIRE(bed.ledger->record_run(run));
  REQUIRE(await([&] { return bed.waiting() == 0; }));
  CHECK(bed.receiver.texts().size() == 1);
}

TEST_CASE("an URL for notices is taken apart, or refused without repeating it", "[monitor]") {
  const auto url = monitor::parse_notice_url("https://hooks.example.com:8443/a%20b/c?token=x%26y");
  REQUIRE(url);
  CHECK(url->server == "https://hooks.example.com:8443");
  CHECK(url->path == "/a b/c");
  CHECK(url->query == std::vector<std::pair<std::string, std::string>>{{"token", "x&y"}});
  CHECK(monitor::parse_notice_url("http://host")->path == "/");
  for (const char* bad : {"", "geheim", "ftp://host/geheim", "https://", "https:///geheim",
                          "https://user:geheim@host/", "https://host/geheim%zz",
                          "https://host/geheim with a blank", "https://host/geheim\n"}) {
    const auto refused = monitor::parse_notice_url(bad);
    INFO(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == base::Code::InvalidArgument);
    CHECK_THAT(refused.error().message, !Catch::Contains("geheim"));
  }
}
