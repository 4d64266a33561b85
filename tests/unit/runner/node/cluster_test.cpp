// A node among others: a cluster with a scheduler and kubelets of its own.

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "base/json.h"
#include "runner/node/driver_tokens.h"
#include "runner/node/node_object.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/runner/node/node_bed.h"
#include "tests/unit/runner/node/observe.h"

using namespace std::chrono_literals;
using nlohmann::json;
using tests::await;
using tests::living;
using tests::NodeBed;
using tests::shell_pod;
using tests::text_of;

TEST_CASE("on a cluster a node takes the pods of its scheduler's name and no others") {
  NodeBed bed;
  bed.options.scheduler_name = "sparkcron";
  bed.options.look_again = 20ms;
  bed.start();
  bed.create(shell_pod("unnamed", "true"));
  json other = shell_pod("other", "true");
  other["spec"]["schedulerName"] = "default-scheduler";
  bed.create(other);
  // A DaemonSet's pod is bound to every node.
  json daemon = other;
  daemon["metadata"]["name"] = "daemon";
  daemon["spec"]["nodeName"] = "local";
  bed.create(daemon);
  json ours = shell_pod("ours", "true");
  ours["spec"]["schedulerName"] = "sparkcron";
  bed.create(ours);
  REQUIRE(bed.await_phase("ours", "Succeeded"));
  for (const char* name : {"unnamed", "other", "daemon"}) {
    CAPTURE(name);
    CHECK_FALSE(bed.pod(name).contains("status"));
  }
  CHECK(bed.api.peek(kube::nodes(), {"", "local"})["spec"]["taints"][0]["effect"] == "NoSchedule");
}

TEST_CASE("a kubelet's node is not taken over") {
  NodeBed bed;
  REQUIRE(bed.api.create(
      kube::nodes(),
      {{"metadata", {{"name", "local"}}},
       {"status", {{"nodeInfo", {{"containerRuntimeVersion", "containerd://2.0.0"}}}}}}));
  const auto registered = runner::node::register_node(
      bed.api, "local", {}, runner::node::OtherSchedulers::KeptAway, bed.clock.now());
  REQUIRE_FALSE(registered.has_value());
  CHECK(registered.error().message == "node local is a kubelet's (containerd://2.0.0), not ours");
}

TEST_CASE("a token that is renewed reaches the pods that run") {
  // Before the bed, whose node reads it until the end.
  std::atomic<int> version{1};
  NodeBed bed;
  bed.options.look_again = 20ms;
  bed.options.token = [&version](const json&) { return "token-" + std::to_string(version); };
  bed.start();
  const std::string uid = kube::uid_of(bed.create(shell_pod("p", "exec sleep 1000")));
  REQUIRE(bed.await_phase("p", "Running"));
  const auto file = bed.options.data_dir / "pods" / uid / "serviceaccount" / "token";
  CHECK(text_of(file) == "token-1");
  version = 2;
  CHECK(await([&] { return text_of(file) == "token-2"; }));
  bed.stop(runner::node::OnExit::Stop);
}

TEST_CASE("a token that cannot be renewed keeps a deleted pod from neither stopping nor going") {
  // Before the bed, whose node reads it until the end.
  std::atomic<int> version{1};
  NodeBed bed;
  bed.options.look_again = 20ms;
  bed.options.token = [&version](const json&) { return "token-" + std::to_string(version); };
  bed.start();
  const std::string uid = kube::uid_of(bed.create(shell_pod("p", "exec sleep 1000")));
  REQUIRE(bed.await_phase("p", "Running"));
  // A folder in the token's place: no file can be put there, whoever tries.
  const auto file = bed.options.data_dir / "pods" / uid / "serviceaccount" / "token";
  REQUIRE(std::filesystem::remove(file));
  REQUIRE(std::filesystem::create_directory(file));
  version = 2;
  REQUIRE(await([&] {
    const auto told = bed.events.all();
    return std::any_of(told.begin(), told.end(), [&](const std::string& event) {
      return event.starts_with("FailedSync: ") && event.find(file.string()) != std::string::npos;
    });
  }));
  CHECK(await([&] { return living(uid) > 0; }));
  REQUIRE(bed.api.remove(kube::pods(), {"default", "p"}, {.grace_period = 5s}));
  CHECK(bed.await_gone("p"));
  CHECK(living(uid) == 0);
}

TEST_CASE("a driver gets a token of its own account, renewed before it expires") {
  tests::FakeClock clock(base::WallTime(std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}));
  int asked = 0;
  bool refused = false;
  runner::node::DriverTokens tokens(
      [&](const std::string& ns,
          const std::string& account) -> base::Result<runner::node::IssuedToken> {
        ++asked;
        if (refused) return base::failure(base::Code::Forbidden, "no");
        return runner::node::IssuedToken{.token = ns + "/" + account + " " + std::to_string(asked),
                                         .expires = clock.now() + 10h};
      },
      [] { return std::string("the node's"); }, clock);
  json pod = shell_pod("p", "true");
  CHECK(tokens.token_for(pod) == "default/default 1");
  pod["spec"]["serviceAccountName"] = "spark";
  CHECK(tokens.token_for(pod) == "default/spark 2");
  clock.advance(7h);
  CHECK(tokens.token_for(pod) == "default/spark 2");
  clock.advance(1h);
  CHECK(tokens.token_for(pod) == "default/spark 3");
  // Refused from now on: the old one as long as it holds, then the node's, asked about seldom.
  refused = true;
  clock.advance(9h);
  CHECK(tokens.token_for(pod) == "default/spark 3");
  CHECK(tokens.token_for(pod) == "default/spark 3");
  CHECK(asked == 4);
  clock.advance(2h);
  CHECK(tokens.token_for(pod) == "the node's");
  refused = false;
  clock.advance(1min);
  CHECK(tokens.token_for(pod) == "default/spark 6");
}

TEST_CASE("an API without TokenRequest gives no token") {
  NodeBed bed;
  const auto issued = runner::node::request_token(bed.api, "default", "spark");
  REQUIRE_FALSE(issued.has_value());
  CHECK(issued.error().message == "the answer holds no token");
}
