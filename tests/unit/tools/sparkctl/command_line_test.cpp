#include "tools/sparkctl/command_line.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/raw_server.h"
#include "tests/unit/tools/sparkctl/in_process.h"

namespace {

using namespace sparkctl;
using namespace sparkctl::test;

void write_config(const tests::Folder& folder, const std::string& file, const std::string& server) {
  const auto path = folder.path() / file;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << "current-context: a\ncontexts: [{name: a, context: {cluster: c, "
                         "namespace: team}}]\nclusters: [{name: c, cluster: {server: '"
                      << server << "'}}]\n";
}

TEST_CASE("the command line is understood or explained") {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    int code;
    const char* out;  // begins
    const char* err;  // contains
  };
  const Case cases[] = {
      {.name = "nothing",
       .arguments = {},
       .code = kUsage,
       .out = "",
       .err = "subcommand is required"},
      {.name = "help",
       .arguments = {"--help"},
       .code = kDone,
       .out = "Spark schedules from the command line",
       .err = ""},
      {.name = "a command's help",
       .arguments = {"trigger", "--help"},
       .code = kDone,
       .out = "Start a run by hand",
       .err = ""},
      {.name = "version",
       .arguments = {"version", "--client"},
       .code = kDone,
       .out = "client ",
       .err = ""},
      {.name = "names are needed",
       .arguments = {"describe"},
       .code = kUsage,
       .out = "",
       .err = "names is required"},
      {.name = "an unknown output",
       .arguments = {"list", "-o", "xml"},
       .code = kUsage,
       .out = "",
       .err = "xml"},
      {.name = "cron needs no server",
       .arguments = {"cron", "next", "0 2 * * *", "-n", "1", "--after", "2026-01-01T00:00:00Z"},
       .code = kDone,
       .out = "2026-01-01T02:00:00",
       .err = ""},
      {.name = "completion",
       .arguments = {"completion"},
       .code = kDone,
       .out = "# bash completion of sparkctl",
       .err = ""},
      {.name = "no kubeconfig",
       .arguments = {"list"},
       .code = kNoServer,
       .out = "",
       .err = "no kubeconfig (looked at nothing); sparkcron standalone writes one"},
      {.name = "help is a word too",
       .arguments = {"help"},
       .code = kDone,
       .out = "Spark schedules from the command line",
       .err = ""},
      {.name = "help of a command, with its examples and the options of all",
       .arguments = {"help", "history"},
       .code = kDone,
       .out = "What became of past slots",
       .err = ""},
      {.name = "one thing is listed as well as many",
       .arguments = {"list", "run"},
       .code = kNoServer,
       .out = "",
       .err = "no kubeconfig"},
      {.name = "a typo",
       .arguments = {"histroy", "nightly"},
       .code = kUsage,
       .out = "",
       .err = "there is no command \"histroy\"; did you mean \"history\"?"},
      {.name = "a typo in an option of a command",
       .arguments = {"list", "--wach"},
       .code = kUsage,
       .out = "",
       .err = "sparkctl: list has no option --wach; did you mean --watch?\n"},
      {.name = "in one of all commands, with a value",
       .arguments = {"history", "nightly", "--namspace=etl"},
       .code = kUsage,
       .out = "",
       .err = "sparkctl: history has no option --namspace; did you mean --namespace?\n"},
      {.name = "in one of a command within a command",
       .arguments = {"cron", "next", "@daily", "--zoen", "UTC"},
       .code = kUsage,
       .out = "",
       .err = "next has no option --zoen; did you mean --zone?\n"},
      {.name = "though something else is missing, too",
       .arguments = {"get", "--wach"},
       .code = kUsage,
       .out = "",
       .err = "get has no option --wach; did you mean --watch?\n"},
      {.name = "nothing like an option",
       .arguments = {"list", "--frobnicate"},
       .code = kUsage,
       .out = "",
       .err = "sparkctl: list has no option --frobnicate; --help lists those that it has\n"},
      {.name = "nothing like a command",
       .arguments = {"nonsense"},
       .code = kUsage,
       .out = "",
       .err = "there is no command \"nonsense\"; sparkctl --help lists them"},
      {.name = "a command that is not there says what to do instead",
       .arguments = {"kill", "nightly-1"},
       .code = kUsage,
       .out = "",
       .err = "sparkctl stop ends a run and keeps it"},
      {.name = "a run of nothing",
       .arguments = {"create"},
       .code = kUsage,
       .out = "",
       .err = "-f FILE, or NAME --from SCHEDULE, is required"},
      {.name = "two attempts at once",
       .arguments = {"logs", "nightly", "--previous", "--attempt", "1"},
       .code = kUsage,
       .out = "",
       .err = "excludes"},
      {.name = "a time line without an end",
       .arguments = {"timeline", "--for", "32d"},
       .code = kUsage,
       .out = "",
       .err = "\"32d\" is no duration up to 31d, such as 90m, 12h or 7d"},
      {.name = "-o where it would do nothing",
       .arguments = {"trigger", "nightly", "-o", "json"},
       .code = kUsage,
       .out = "",
       .err = "trigger takes no -o"},
      {.name = "a time that is none",
       .arguments = {"history", "--since", "yesterday"},
       .code = kUsage,
       .out = "",
       .err = "\"yesterday\" is no duration such as 90s, 30m, 12h or 7d"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Ran ran = run_sparkctl(c.arguments);
      CHECK(ran.code == c.code);
      CHECK(ran.out.starts_with(c.out));
      CHECK(ran.err.find(c.err) != std::string::npos);
    }
  }
}

TEST_CASE("every command's help has the options of all commands") {
  for (const char* command :
       {"list", "get", "describe", "status", "create", "delete", "suspend", "resume", "trigger",
        "stop", "retry", "history", "logs", "log", "why", "timeline", "forward"}) {
    const Ran ran = run_sparkctl({command, "--help"});
    CAPTURE(command);
    CHECK(ran.code == kDone);
    CHECK(ran.out.find("--kubeconfig FILE") != std::string::npos);
    CHECK(ran.out.find("Examples:\n") != std::string::npos);
  }
}

TEST_CASE("output that cannot be written is an error") {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  tests::FakeClock clock;
  const int code = run(
      {"version", "--client"}, {.in = in, .out = out, .err = err},
      [](const char*) { return std::string(); }, clock);
  CHECK(code == kFailed);
  CHECK(err.str() == "sparkctl: the output could not be written; it is incomplete\n");
}

TEST_CASE("the API is found where it is said to be") {
  const tests::Folder folder;
  tests::RawServer server([](tests::RawServer::Peer& peer) {
    while (const auto request = peer.read()) {
      const std::string line = request->head.substr(0, request->head.find(" HTTP"));
      peer.answer(403, R"({"kind":"Status","message":")" + line + "\"}");
    }
  });
  write_config(folder, "given", server.url() + "/given");
  write_config(folder, "env", server.url() + "/env");
  write_config(folder, "home/.kube/config", server.url() + "/home");
  write_config(folder, "data/sparkcron/kubeconfig", server.url() + "/data");
  write_config(folder, "home2/.local/share/sparkcron/kubeconfig", server.url() + "/home2");
  const std::string root = folder.path().string();
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> variables;
    const char* asked;
  };
  const Case cases[] = {
      {.name = "--kubeconfig first",
       .arguments = {"--kubeconfig", root + "/given", "list"},
       .variables = {{"KUBECONFIG", root + "/env"}, {"HOME", root + "/home"}},
       .asked = "GET /given/apis/sparkoperator.k8s.io/v1beta2/namespaces/team/"},
      {.name = "then KUBECONFIG, a list",
       .arguments = {"list"},
       .variables = {{"KUBECONFIG", "/nonexistent:" + root + "/env"}, {"HOME", root + "/home"}},
       .asked = "GET /env/apis/sparkoperator.k8s.io/v1beta2/namespaces/team/"},
      {.name = "then kubectl's own",
       .arguments = {"list", "-n", "other"},
       .variables = {{"HOME", root + "/home"}, {"XDG_DATA_HOME", root + "/data"}},
       .asked = "GET /home/apis/sparkoperator.k8s.io/v1beta2/namespaces/other/"},
      {.name = "then standalone's",
       .arguments = {"list", "-A"},
       .variables = {{"HOME", root + "/nobody"}, {"XDG_DATA_HOME", root + "/data"}},
       .asked = "GET /data/apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications"},
      {.name = "standalone's in the usual folder",
       .arguments = {"list"},
       .variables = {{"HOME", root + "/home2"}},
       .asked = "GET /home2/apis/"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const Ran ran = run_sparkctl(c.arguments, c.variables);
      CHECK(ran.code == kNotAllowed);
      CHECK(ran.err.find(c.asked) != std::string::npos);
    }
  }
}

}  // namespace
