#include "tools/sparkctl/history_service.h"

#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/forwarding_api.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tools/sparkctl/commands.h"

namespace {

using base::Code;
using base::failure;
using kube::Json;
using namespace sparkctl;

// A cluster's API as far as sparkctl needs it here: Services, tokens, one schedule, and no runs any
// more.
class ClusterApi final : public kube::ForwardingApi {
 public:
  explicit ClusterApi(kube::Api& rest) : ForwardingApi(rest) {}
  base::Result<Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override {
    if (type == config::scheduled_spark_applications() && key.name == "nightly")
      return Json{{"metadata", {{"namespace", key.ns}, {"name", key.name}}}};
    return failure(Code::NotFound, "\"" + key.name + "\" not found");
  }
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override {
    listed.push_back(type.plural + " " + options.label_selector);
    if (list_refused) return failure(Code::Forbidden, "services is forbidden");
    kube::ObjectList all;
    for (const auto& [ns, name] : services)
      all.items.push_back({{"metadata", {{"namespace", ns}, {"name", name}}}});
    return all;
  }
  base::Result<Json> create(const kube::ResourceType& type, const Json& object) override {
    tokens.push_back(base::string_at(object, {"metadata", "namespace"}) + " " + type.plural + " " +
                     object["spec"].dump());
    if (token_refused) return failure(*token_refused);
    Json answer = object;
    answer["status"]["token"] = "made";
    return answer;
  }
  std::vector<std::pair<std::string, std::string>> services;
  bool list_refused = false;
  std::optional<base::Error> token_refused;
  std::vector<std::string> listed;
  std::vector<std::string> tokens;
};

struct Desk {
  tests::FakeClock clock;
  tests::MemoryApi rest;
  ClusterApi api{rest};
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  base::Error own{.code = Code::NotFound, .message = "HTTP 404"};  // to /sparkcron/…
  std::map<std::string, std::string> answers;                      // of the proxy, by target
  std::optional<base::Error> proxy_refused;
  std::vector<std::string> headers;
  Session session{
      .api = api,
      .logs = [](const kube::ObjectKey& pod,
                 const kube::LogOptions&) -> base::Result<std::unique_ptr<base::http::BodyStream>> {
        return failure(Code::NotFound, "pods \"" + pod.name + "\" not found");
      },
      .raw = [this](const base::http::Request& request) -> base::Result<base::http::Response> {
        if (request.path.starts_with("/sparkcron/")) return failure(own);
        headers.emplace_back(request.headers.get("X-Sparkcron-Authorization"));
        if (proxy_refused) return failure(*proxy_refused);
        const auto found = answers.find(request.target());
        if (found == answers.end()) return failure(Code::NotFound, "not kept");
        return base::http::Response{.body = found->second};
      },
      .clock = clock,
      .in = in,
      .out = out,
      .err = err,
      .ns = "team"};
};

std::string proxied(const std::string& service, const std::string& rest) {
  const size_t slash = service.find('/');
  return "/api/v1/namespaces/" + service.substr(0, slash) +
         "/services/https:" + service.substr(slash + 1) + ":https/proxy/sparkcron/v1/" + rest;
}

constexpr const char* kNothing = R"({"runs": [], "skips": []})";

TEST_CASE("on a cluster history comes from its service, through the API server's proxy") {
  struct Case {
    std::string name;
    std::vector<std::pair<std::string, std::string>> services;
    bool list_refused = false;
    std::string given;
    Code own = Code::NotFound;
    std::string asked;
  };
  const Case cases[] = {
      {.name = "found by its label", .services = {{"ops", "history"}}, .asked = "ops/history"},
      {.name = "found by its label, where no other path may be asked for",
       .services = {{"ops", "history"}},
       .own = Code::Forbidden,
       .asked = "ops/history"},
      {.name = "by its usual name where services cannot be listed",
       .list_refused = true,
       .asked = "sparkcron/sparkcron-history"},
      {.name = "as it was named",
       .services = {{"ops", "history"}},
       .given = "other/one",
       .asked = "other/one"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Desk desk;
      desk.api.services = c.services;
      desk.api.list_refused = c.list_refused;
      desk.session.history_service = c.given;
      desk.own.code = c.own;
      desk.answers[proxied(c.asked, "history?namespace=team&schedule=nightly&limit=20")] = kNothing;
      REQUIRE(history(desk.session, {.schedule = "nightly"}));
      CHECK(desk.err.str() == "No history yet.\n");
      const size_t slash = c.asked.find('/');
      CHECK(desk.api.tokens ==
            std::vector<std::string>{c.asked.substr(0, slash) + " serviceaccounts/" +
                                     c.asked.substr(slash + 1) +
                                     R"(/token {"audiences":["sparkcron-history"],)"
                                     R"("expirationSeconds":600})"});
      CHECK(desk.headers == std::vector<std::string>{"Bearer made"});
    }
  }
}

TEST_CASE("a history that cannot be read says what is missing") {
  struct Case {
    std::string name;
    std::vector<std::pair<std::string, std::string>> services;
    std::string given;
    std::optional<base::Error> own;
    std::optional<base::Error> token;
    std::optional<base::Error> proxy;
    ExitCode code;
    std::string message;
  };
  const auto error = [](Code code, const char* message) {
    return base::Error{.code = code, .message = message};
  };
  const Case cases[] = {
      {.name = "no right to a token",
       .services = {{"ops", "history"}},
       .token = error(Code::Forbidden, "serviceaccounts \"history\" is forbidden"),
       .code = kNotAllowed,
       .message = "reading the history of ops/history needs the role history-reader of namespace "
                  "ops: serviceaccounts \"history\" is forbidden"},
      {.name = "no right to the proxy",
       .services = {{"ops", "history"}},
       .proxy = error(Code::Forbidden, "services \"https:history:https\" is forbidden"),
       .code = kNotAllowed,
       .message = "reading the history of ops/history needs the role history-reader of namespace "
                  "ops: services \"https:history:https\" is forbidden"},
      {.name = "no service",
       .token = error(Code::NotFound, "not found"),
       .code = kFailed,
       .message = "no service keeps a history here: install the chart with "
                  "controller.history.enable, or name the service with --history-service "
                  "NAMESPACE/NAME; what the cluster still has is shown by sparkctl list runs"},
      {.name = "no such service",
       .given = "ops/history",
       .token = error(Code::NotFound, "serviceaccounts \"history\" not found"),
       .code = kFailed,
       .message = "there is no history service ops/history: serviceaccounts \"history\" not found; "
                  "see kubectl get services -A -l app.kubernetes.io/component=sparkcron-history"},
      {.name = "nobody behind it",
       .services = {{"ops", "history"}},
       .proxy = error(Code::Unavailable, "no endpoints available for service \"history\""),
       .code = kUnreachable,
       .message = "the history service ops/history does not answer: no endpoints available for "
                  "service \"history\""},
      {.name = "several",
       .services = {{"ops", "history"}, {"dev", "history"}},
       .code = kRefused,
       .message = "several services keep a history (ops/history, dev/history): choose one with "
                  "--history-service"},
      {.name = "not a name",
       .given = "history",
       .code = kRefused,
       .message = "--history-service \"history\": NAMESPACE/NAME expected, such as "
                  "sparkcron/sparkcron-history"},
      {.name = "no credentials at all",
       .own = error(Code::Unauthenticated, "Unauthorized"),
       .code = kNotAllowed,
       .message = "Unauthorized"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Desk desk;
      desk.api.services = c.services;
      desk.session.history_service = c.given;
      if (c.own) desk.own = *c.own;
      desk.api.token_refused = c.token;
      desk.proxy_refused = c.proxy;
      const auto done = history(desk.session, {});
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().message == c.message);
      CHECK(exit_code_of(done.error()) == c.code);
    }
  }
}

TEST_CASE("describe tells of a pruned run what the history remembers") {
  Desk desk;
  desk.api.services = {{"ops", "history"}};
  const std::string target = proxied("ops/history", "history?namespace=team&run=nightly-1&limit=1");
  SECTION("remembered") {
    desk.answers[target] = R"({"runs": [{"namespace": "team", "name": "nightly-1",
      "schedule": "nightly", "state": "FAILED", "attempts": 2, "exitCode": 3,
      "slot": "2026-11-20T00:00:00Z", "created": "2026-11-20T00:00:00.015000Z",
      "ended": "2026-11-20T00:01:00.000000Z", "message": "no \u001b[31mspace"}], "skips": []})";
    REQUIRE(describe(desk.session, {"nightly-1"}));
    CHECK(desk.out.str() ==
          "Name:               nightly-1\n"
          "Namespace:          team\n"
          "Kept:               in the history only: the object is gone\n"
          "Created:            2026-11-20T00:00:00Z (23h ago)\n"
          "Schedule:           nightly\n"
          "Slot:               2026-11-20T00:00:00Z (24h ago)\n"
          "State:              FAILED\n"
          "Message:            no ?[31mspace\n"
          "Attempts:           2\n"
          "Exit code:          3\n"
          "Ended:              2026-11-20T00:01:00Z (23h ago)\n");
  }
  SECTION("unknown") {
    desk.answers[target] = kNothing;
    const auto done = describe(desk.session, {"nightly-1"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message ==
          "no schedule or run \"nightly-1\" in namespace \"team\"; sparkctl list -A shows all "
          "schedules");
    CHECK(desk.err.str().empty());
  }
  SECTION("of a service that may not be asked") {
    desk.proxy_refused = base::Error{.code = Code::Forbidden, .message = "no"};
    const auto done = describe(desk.session, {"nightly-1"});
    REQUIRE_FALSE(done.has_value());
    CHECK(exit_code_of(done.error()) == kNotFound);
    CHECK(desk.err.str() ==
          "sparkctl: the history could not be asked: reading the history of ops/history needs the "
          "role history-reader of namespace ops: no\n");
  }
}

TEST_CASE("logs of a pruned run are those that its service kept") {
  Desk desk;
  desk.api.services = {{"ops", "history"}};
  SECTION("kept") {
    desk.answers[proxied("ops/history",
                         "log?namespace=team&run=nightly-1&timestamps=true&"
                         "tailLines=5")] = "the end\n";
    REQUIRE(
        logs(desk.session, {.name = "nightly-1", .log = {.timestamps = true, .tail_lines = 5}}));
    CHECK(desk.out.str() == "the end\n");
  }
  SECTION("not kept") {
    const auto done = logs(desk.session, {.name = "nightly-1"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message == "no log of \"nightly-1\": pods \"nightly-1-driver\" not found");
  }
  SECTION("not for everybody") {
    desk.proxy_refused = base::Error{.code = Code::Forbidden, .message = "no"};
    const auto done = logs(desk.session, {.name = "nightly-1"});
    REQUIRE_FALSE(done.has_value());
    CHECK(exit_code_of(done.error()) == kNotAllowed);
  }
}

}  // namespace
