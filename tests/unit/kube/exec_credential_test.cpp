#include "kube/exec_credential.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/files.h"
#include "base/rfc3339.h"
#include "kube/http_api.h"
#include "kube/kubeconfig.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/raw_server.h"

namespace {

using base::Code;
using kube::ExecCredentials;
using kube::ExecPlugin;
using kube::Json;
using namespace std::chrono_literals;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

// A shell script that is a plugin; each run adds a line to `runs`.
class Script {
 public:
  explicit Script(const std::string& body) {
    const std::string path = (folder_.path() / "plugin").string();
    std::ofstream(path) << "#!/bin/sh\necho run >> '" << runs_ << "'\n" << body << "\n";
    ::chmod(path.c_str(), 0700);
    plugin = {.api_version = kV1, .command = path};
  }
  [[nodiscard]] size_t runs() const {
    const std::string text = base::read_file(runs_).value_or("");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

 private:
  tests::Folder folder_;
  const std::string runs_ = (folder_.path() / "runs").string();

 public:
  ExecPlugin plugin;
};

// A plugin that gives what the shell makes of `token`; `more` are further members of its status.
std::string gives(const std::string& token, const std::string& more = "") {
  return R"(printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
         R"("status":{"token":"%s")" +
         more + "}}' \"" + token + "\"";
}

TEST_CASE("what a plugin says is read, and what is wrong with it is said without its secrets") {
  const auto text = [](const std::string& version, const std::string& status) {
    return R"({"kind":"ExecCredential","apiVersion":")" + version + R"(","status":)" + status + "}";
  };
  struct Case {
    const char* name;
    std::string text;
    std::string problem;
  };
  const Case cases[] = {
      {.name = "a token", .text = text(kV1, R"({"token":"t"})"), .problem = ""},
      {.name = "a certificate",
       .text = text(kV1, R"({"clientCertificateData":"c","clientKeyData":"k"})"),
       .problem = ""},
      {.name = "not JSON", .text = "secret", .problem = "its answer is no ExecCredential"},
      {.name = "another version",
       .text = text("client.authentication.k8s.io/v1beta1", R"({"token":"secret"})"),
       .problem = "it answers in apiVersion \"client.authentication.k8s.io/v1beta1\", the "
                  "kubeconfig says \"client.authentication.k8s.io/v1\""},
      {.name = "no key",
       .text = text(kV1, R"({"clientCertificateData":"secret"})"),
       .problem = "a client certificate needs its key and the other way"},
      {.name = "nothing",
       .text = text(kV1, "{}"),
       .problem = "its answer has neither a token nor a client certificate"},
      {.name = "a bad time",
       .text = text(kV1, R"({"token":"secret","expirationTimestamp":"soon"})"),
       .problem = "expirationTimestamp is no time"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto parsed = kube::parse_exec_credential(c.text, kV1);
      CHECK((parsed ? "" : parsed.error().message) == c.problem);
    }
  }
}

TEST_CASE("a credential is kept until it expires, and asked for anew when the server refuses it") {
  tests::FakeClock clock;
  const std::string in_an_hour =
      base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock.now() + 1h));
  Script script(
      gives("$(cat ${0%plugin}runs | wc -l)", R"(,"expirationTimestamp":")" + in_an_hour + '"'));
  ExecCredentials credentials(script.plugin, clock);
  CHECK(credentials.get().value().token == "1");
  clock.advance(50min);
  CHECK(credentials.get().value().token == "1");
  credentials.reject();
  CHECK(credentials.get().value().token == "2");
  // A server that refuses everything starts nothing for each request.
  credentials.reject();
  CHECK(credentials.get().value().token == "2");
  clock.advance(10s);
  CHECK(credentials.get().value().token == "3");
  clock.advance(10min);
  CHECK(credentials.get().value().token == "4");
  CHECK(script.runs() == 4);
}

TEST_CASE("a plugin that fails is named, waits, and tells no secret") {
  struct Case {
    const char* name;
    std::string body;
    std::string problem;
    // Only for those that are too slow; a busy machine takes longer for the others.
    std::chrono::milliseconds limit = 60s;
  };
  const Case cases[] = {
      {.name = "an exit code", .body = "echo secret; exit 3", .problem = "exit code 3"},
      {.name = "a signal", .body = "kill -KILL $$", .problem = "ended by signal 9"},
      {.name = "no answer",
       .body = "sleep 600 & sleep 600",
       .problem = "no answer within 300 ms",
       .limit = 300ms},
      {.name = "an answer and no end",
       .body = gives("secret") + "; exec >&-; sleep 600",
       .problem = "it did not end within 3000 ms",
       .limit = 3s},
      {.name = "too much",
       .body = "while true; do echo 0123456789012345678901234567890123456789; done",
       .problem = "wrote more than 1 MiB"},
      {.name = "nonsense", .body = "echo secret", .problem = "its answer is no ExecCredential"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      tests::FakeClock clock;
      Script script(c.body);
      script.plugin.install_hint = "see the wiki";
      script.plugin.time_limit = c.limit;
      ExecCredentials credentials(script.plugin, clock);
      const auto got = credentials.get();
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code == Code::Unavailable);
      CHECK(got.error().message ==
            "exec plugin " + script.plugin.command + ": " + c.problem + "; see the wiki");
      const size_t before = script.runs();
      CHECK_FALSE(credentials.get().has_value());
      CHECK(script.runs() == before);
      clock.advance(10s);
      CHECK_FALSE(credentials.get().has_value());
      CHECK(script.runs() >= before);
    }
  }
  ExecCredentials nowhere({.api_version = kV1, .command = "/nowhere/plugin"});
  CHECK(nowhere.get().error().message ==
        "exec plugin /nowhere/plugin: cannot be started: No such file or directory");
}

TEST_CASE("a plugin of a kubeconfig gets its arguments and environment, and its token is sent") {
  Script script(gives("$1-$COLOUR-$(echo $KUBERNETES_EXEC_INFO | grep -c 127.0.0.1)"));
  std::string seen;
  tests::RawServer server([&](tests::RawServer::Peer& peer) {
    while (const auto request = peer.read()) {
      seen = request->head;
      peer.answer(200, "{}");
    }
  });
  const std::string file = (script.folder() / "config").string();
  std::ofstream(file) << "current-context: x\n"
                         "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                         "clusters: [{name: c, cluster: {server: '"
                      << server.url()
                      << "'}}]\nusers:\n- name: u\n  user:\n    exec:\n"
                         "      apiVersion: client.authentication.k8s.io/v1\n"
                         "      command: ./plugin\n      args: [first]\n"
                         "      env: [{name: COLOUR, value: blue}]\n"
                         "      interactiveMode: IfAvailable\n      provideClusterInfo: true\n";
  auto connection = kube::load_kubeconfig({file});
  REQUIRE(connection.has_value());
  REQUIRE(connection->credential_within);
  auto client = base::http::Client::create(std::move(connection->client));
  REQUIRE(client.has_value());
  REQUIRE((*client)->send({.method = "GET", .path = "/"}).has_value());
  CHECK(seen.find("Authorization: Bearer first-blue-1\r\n") != std::string::npos);
}

TEST_CASE(
    "whoever must know in time does not wait for a plugin that hangs, and others get its word") {
  Script script("while [ ! -e \"$GO\" ]; do sleep 0.05; done\n" + gives("late"));
  const std::string go = (script.folder() / "go").string();
  script.plugin.env = {{"GO", go}};
  ExecCredentials credentials(script.plugin);
  for (int i = 0; i < 2; ++i) {
    const auto now = credentials.get({.at_most = 20ms});
    REQUIRE_FALSE(now.has_value());
    CHECK(now.error().code == Code::Unavailable);
    CHECK(now.error().message ==
          "exec plugin " + script.plugin.command + ": no answer yet after 20 ms");
  }
  std::ofstream(go) << "";
  CHECK(credentials.get().value().token == "late");
  CHECK(credentials.get({.at_most = 0ms}).value().token == "late");
  CHECK(script.runs() == 1);
}

TEST_CASE("a plugin writes and ends within one time limit") {
  Script script("sleep 1; " + gives("late") + "; exec >&-; sleep 600");
  script.plugin.time_limit = 3s;
  const base::SteadyTime before = base::real_clock().steady_now();
  CHECK(ExecCredentials(script.plugin).get().error().message ==
        "exec plugin " + script.plugin.command + ": it did not end within 3000 ms");
  CHECK(base::real_clock().steady_now() - before >= 3s);
}

TEST_CASE("a credential that has not expired goes on while its plugin hangs or fails") {
  tests::FakeClock clock;
  const base::WallTime expires = clock.now() + 1h;
  const auto hangs = GENERATE(true, false);
  Script script(
      "[ -e \"$AGAIN\" ] && " + std::string(hangs ? "exec sleep 600" : "exit 1") +
      "\ntouch \"$AGAIN\"\n" +
      gives("old", R"(,"expirationTimestamp":")" +
                       base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(expires)) +
                       '"'));
  script.plugin.env = {{"AGAIN", (script.folder() / "again").string()}};
  ExecCredentials credentials(script.plugin, clock);
  CHECK(credentials.get().value().token == "old");
  clock.advance(59min);
  // It runs in the background, and again after a pause if it failed.
  CHECK(credentials.get({.at_most = 0ms}).value().token == "old");
  while (script.runs() < 2)
    CHECK(credentials.get({.at_most = 10ms}).value().token == "old");
  clock.advance(59s);
  CHECK(credentials.get({.at_most = 20ms}).value().token == "old");
  clock.advance(1s);
  CHECK(credentials.get({.at_most = 20ms}).error().code == Code::Unavailable);
}

TEST_CASE("a request that is stopped does not wait for its plugin") {
  Script script("exec sleep 600");
  auto credentials = std::make_shared<ExecCredentials>(script.plugin);
  auto client = base::http::Client::create(
      {.base_url = "http://127.0.0.1:9", .credential = [credentials](const std::stop_token& stop) {
         return credentials->get({.stop = stop});
       }});
  REQUIRE(client.has_value());
  std::stop_source stop;
  kube::HttpApi api(std::move(*client), {.stop = stop.get_token()});
  std::thread stops([&] {
    while (script.runs() == 0)
      std::this_thread::yield();
    stop.request_stop();
  });
  const auto got = api.get(kube::pods(), {"etl", "pi"});
  stops.join();
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == Code::Cancelled);
  CHECK(got.error().message.find("is not waited for any more") != std::string::npos);
  // One that was stopped before asks nothing.
  CHECK(api.get(kube::pods(), {"etl", "pi"}).error().code == Code::Cancelled);
}

TEST_CASE("a plugin that hangs is ended with whoever asked it") {
  Script script("echo $$ > \"$PID\".new; mv \"$PID\".new \"$PID\"; while :; do sleep 1; done");
  const std::string file = (script.folder() / "pid").string();
  script.plugin.env = {{"PID", file}};
  {
    ExecCredentials credentials(script.plugin);
    while (!base::path_exists(file))
      CHECK_FALSE(credentials.get({.at_most = 10ms}).has_value());
  }
  const auto pid = static_cast<pid_t>(std::stol(base::read_file(file).value()));
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("an answer of 401 has the plugin asked again") {
  Script script(gives("t"));
  tests::RawServer server([&](tests::RawServer::Peer& peer) {
    while (peer.read())
      peer.answer(401, "{}");
  });
  tests::FakeClock clock;
  ExecCredentials credentials(script.plugin, clock);
  auto client = base::http::Client::create(
      {.base_url = server.url(),
       .credential = [&](const std::stop_token& stop) { return credentials.get({.stop = stop}); },
       .on_unauthorized = [&] { credentials.reject(); }});
  REQUIRE(client.has_value());
  for (int i = 0; i < 3; ++i)
    CHECK((*client)->send({.method = "GET", .path = "/"}).value().status == 401);
  CHECK(script.runs() == 1);
  clock.advance(10s);
  CHECK((*client)->send({.method = "GET", .path = "/"}).value().status == 401);
  CHECK(script.runs() == 2);
}

}  // namespace
