// Connections that stay open and carry nothing any more: behind a router that has forgotten them,
// or to a server that was stopped. Real sockets, through a proxy that goes silent.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "kube/http_api.h"
#include "kube/informer.h"
#include "kube/leader_elector.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/raw_server.h"
#include "tests/support/tcp_proxy.h"

namespace {

using base::Code;
using kube::HttpApi;
using kube::Json;
using tests::RawServer;
using tests::TcpProxy;
using namespace std::chrono_literals;

// Behind it nothing is waited for that comes.
constexpr std::chrono::milliseconds kSoon{100};
const kube::ObjectKey kLease{"spark", "sparkcron"};

Json pod(const std::string& name, const std::string& version) {
  return {{"metadata", {{"namespace", "n"}, {"name", name}, {"resourceVersion", version}}}};
}

std::string event(const Json& object) {
  return Json{{"type", "ADDED"}, {"object", object}}.dump() + "\n";
}

HttpApi api_of(const TcpProxy& proxy, std::chrono::milliseconds call,
               kube::HttpApiOptions options) {
  auto client = base::http::Client::create({.base_url = proxy.url(), .request_timeout = call});
  REQUIRE(client.has_value());
  return HttpApi(std::move(*client), std::move(options));
}

TEST_CASE("a call on a connection that went silent fails in its time, and the next one is well") {
  RawServer server([](RawServer::Peer& peer) {
    while (peer.read())
      peer.answer(200, pod("a", "1").dump());
  });
  TcpProxy proxy(server.port());
  HttpApi api = api_of(proxy, 30s, {});
  HttpApi hurried = api_of(proxy, kSoon, {});
  const auto answers = [&] { return hurried.get(kube::pods(), {"n", "a"}).has_value(); };
  REQUIRE(tests::await(answers));
  proxy.silence();
  const auto lost = hurried.get(kube::pods(), {"n", "a"});
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code == Code::DeadlineExceeded);
  CHECK(lost.error().message ==
        "GET " + proxy.url() + "/api/v1/namespaces/n/pods/a: no complete answer within 100 ms");
  CHECK(tests::await(answers));
  CHECK(api.get(kube::pods(), {"n", "a"}).has_value());
}

TEST_CASE("a watch on a connection that went silent is opened again and misses nothing") {
  base::set_log_level(base::LogLevel::Off);
  RawServer server([](RawServer::Peer& peer) {
    while (const auto request = peer.read()) {
      if (request->head.find("watch=true") == std::string::npos) {
        peer.answer(200, R"({"metadata":{"resourceVersion":"1"},"items":[]})");
        continue;
      }
      // What comes next depends on how far the watcher has got.
      const bool second = request->head.find("resourceVersion=2") != std::string::npos;
      peer.start_chunked();
      peer.chunk(second ? event(pod("b", "3")) : event(pod("a", "2")));
      peer.await_close();
      return;
    }
  });
  TcpProxy proxy(server.port());
  HttpApi api = api_of(proxy, 30s, {.watch_silence = kSoon});
  kube::Informer informer(api, base::real_clock(), kube::pods());
  informer.start();
  REQUIRE(tests::await([&] { return informer.store().get({"n", "a"}) != nullptr; }));
  proxy.silence();
  CHECK(tests::await([&] { return informer.store().get({"n", "b"}) != nullptr; }));
  informer.stop();
}

TEST_CASE("a leader behind a server that hangs knows in time that it leads no more") {
  base::set_log_level(base::LogLevel::Off);
  Json lease = {{"metadata", {{"namespace", "spark"}, {"name", "sparkcron"}}}};
  kube::set_lease_record(lease, {.holder = "me", .duration = 15s});
  RawServer server([&](RawServer::Peer& peer) {
    while (const auto request = peer.read())
      peer.answer(200, request->body.empty() ? lease.dump() : request->body);
  });
  TcpProxy proxy(server.port());
  HttpApi api = api_of(proxy, 2s, {});
  tests::FakeClock clock;
  std::atomic<bool> lost = false;
  kube::LeaderElector elector(api, clock, {.lease = kLease, .identity = "me", .times = {}},
                              {.on_elected = {}, .on_lost = [&] { lost = true; }});
  elector.start();
  REQUIRE(tests::await([&] { return elector.leading(); }));
  proxy.silence_new();
  proxy.silence();
  const kube::LeaseTimes times;
  // Whatever hangs, its time is over before ours is.
  CHECK(kube::LeaseTimes{}.retry + 2 * kube::LeaseTimes{}.call < kube::LeaseTimes{}.renew);
  CHECK(kube::LeaseTimes{}.renew + kube::LeaseTimes{}.call < kube::LeaseTimes{}.lease);
  clock.await_waiters(1);
  clock.advance(times.retry);
  clock.await_waiters(1);  // the call has failed, and nobody waits for it any more
  CHECK(elector.leading());
  clock.advance(times.renew);
  CHECK_FALSE(elector.leading());
  CHECK(tests::await([&] { return lost.load(); }));
  elector.stop();
}

}  // namespace
