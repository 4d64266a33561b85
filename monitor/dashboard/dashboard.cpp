#include "monitor/dashboard/dashboard.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "monitor/dashboard/answers.h"
#include "monitor/dashboard/pages.h"
#include "monitor/dashboard/slots.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::http::Headers;
using base::http::Request;
using base::http::Responder;
using base::http::Response;
using nlohmann::json;

constexpr size_t kMaxPath = 256;

std::optional<std::string_view> cookie_of(const Request& request, std::string_view name) {
  for (const auto& [field, value] : request.headers.fields()) {
    if (!base::http::equal_ignoring_case(field, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' '))
        pair.remove_prefix(1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

bool has_session(const Request& request, const Login& login, std::string_view cookie) {
  const auto session = cookie_of(request, cookie);
  return session && login.knows(*session);
}

// Where the browser sees the dashboard, a proxy's prefix before it. Goes into a header.
bool is_dashboard_path(std::string_view path) {
  constexpr std::string_view kEnd = "/dashboard/";
  return path.size() <= kMaxPath && path.ends_with(kEnd) && path.starts_with('/') &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '.' || c == '-' || c == '_' || c == '~';
         });
}

class Door {
 public:
  explicit Door(Options options)
      : options_(std::move(options)), spark_(options_.login, options_.find_spark_page) {}

  void handle(Request request, std::shared_ptr<Responder> responder) const {
    if (const auto done = route(request, responder); !done) responder->send(refusal(done.error()));
  }

 private:
  base::Status route(Request& request, const std::shared_ptr<Responder>& responder) const {
    const std::string path = request.path;
    if (path == "/dashboard/links") return give_link(request, *responder);
    if (path.starts_with(SparkPages::kPrefix)) return spark_.give(request, *responder);
    const bool is_api = path.starts_with(std::string(kApi) + "/");
    if (!is_api && (request.method == "GET" || request.method == "HEAD")) {
      send_file(request, *responder);
      return {};
    }
    if (request.headers.get(kHeader) != "1" || responder->wants_websocket())
      return failure(Code::Forbidden, std::string("only the dashboard's own pages may ask this: ") +
                                          kHeader + " is missing");
    if (path == "/dashboard/login") return log_in(request, *responder);
    if (!has_session(request, options_.login, options_.cookie))
      return failure(Code::Unauthenticated, "log in: `sparkctl dashboard` prints a link");
    if (is_api) return ask_inside(request, responder);
    if (request.method != "POST")
      return failure(Code::Unimplemented, "this can only be asked with POST");
    if (path == "/dashboard/logout") return log_out(request, *responder);
    if (path == "/dashboard/numbers") return give_numbers(*responder);
    if (path == "/dashboard/spark-link") return give_spark_link(request, *responder);
    ASSIGN_OR_RETURN(const json body, reply(path, request.body));
    answer(*responder, 200, body);
    return {};
  }

  [[nodiscard]] base::Result<json> reply(const std::string& path, const std::string& body) const {
    constexpr std::array kQuestions{"/dashboard/settings", "/dashboard/words",
                                    "/dashboard/recent",   "/dashboard/past",
                                    "/dashboard/slots",    "/dashboard/changes"};
    if (std::find(kQuestions.begin(), kQuestions.end(), path) == kQuestions.end())
      return failure(Code::NotFound, "there is no such page");
    if (path == "/dashboard/settings") return json{{"sparkHistoryUrl", options_.spark_history_url}};
    ASSIGN_OR_RETURN(const json question, base::parse_json(body));
    if (path == "/dashboard/recent") return recent(question, options_.ledger);
    if (path == "/dashboard/past") return past(question, options_.ledger);
    if (path == "/dashboard/slots") return slots(question, options_.default_zone);
    if (path == "/dashboard/changes") return clock_changes(question, options_.default_zone);
    return words(question, options_.default_zone);
  }

  base::Status give_numbers(Responder& responder) const {
    responder.send(with_safety(
        {.status = 200,
         .headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
         .body = options_.numbers()}));
    return {};
  }

  base::Status give_link(const Request& request, Responder& responder) const {
    RETURN_IF_ERROR(options_.authorize(request));
    if (request.method != "POST")
      return failure(Code::Unimplemented, "a link can only be asked for with POST");
    ASSIGN_OR_RETURN(const std::string code, options_.login.new_code());
    answer(responder, 201,
           {{"kind", "DashboardLink"},
            {"apiVersion", "sparkcron/v1"},
            {"login", code},
            {"seconds", std::chrono::seconds(Login::kCodeLife).count()}});
    return {};
  }

  base::Status log_in(const Request& request, Responder& responder) const {
    if (request.method != "POST")
      return failure(Code::Unimplemented, "the login can only be asked for with POST");
    ASSIGN_OR_RETURN(const json body, base::parse_json(request.body));
    const std::string path = base::string_at(body, {"path"});
    if (!is_dashboard_path(path))
      return failure(Code::InvalidArgument, "path: must end with /dashboard/");
    if (!options_.login.use_code(base::string_at(body, {"code"})))
      return failure(Code::Unauthenticated,
                     "the link was used already or is older than five minutes: get another with "
                     "`sparkctl dashboard`");
    ASSIGN_OR_RETURN(const std::string session, options_.login.new_session());
    answer(responder, 200, json::object(),
           {{"Set-Cookie", cookie(session, path, Login::kSessionLife)}});
    return {};
  }

  base::Status log_out(const Request& request, Responder& responder) const {
    ASSIGN_OR_RETURN(const json body, base::parse_json(request.body));
    const std::string path = base::string_at(body, {"path"});
    if (!is_dashboard_path(path))
      return failure(Code::InvalidArgument, "path: must end with /dashboard/");
    answer(responder, 200, json::object(),
           {{"Set-Cookie", cookie("", path, std::chrono::seconds(0))}});
    return {};
  }

  [[nodiscard]] std::string cookie(const std::string& value, const std::string& path,
                                   std::chrono::seconds life) const {
    return options_.cookie + "=" + value + "; Path=" + path +
           "; Max-Age=" + std::to_string(life.count()) + "; Secure; HttpOnly; SameSite=Strict";
  }

  // As the API's own client would ask; of the browser's headers only what shapes the answer.
  base::Status ask_inside(Request& request, const std::shared_ptr<Responder>& responder) const {
    request.path.erase(0, kApi.size());
    if (!may_ask(request.method, request.path))
      return failure(Code::Forbidden, "the dashboard does not " + request.method + " this");
    Headers headers{{"Authorization", "Bearer " + options_.token}, {"User-Agent", "dashboard"}};
    for (const char* name : {"Accept", "Content-Type"})
      if (request.headers.has(name)) headers.add(name, std::string(request.headers.get(name)));
    request.headers = std::move(headers);
    options_.inside(std::move(request), responder);
    return {};
  }

  base::Status give_spark_link(const Request& request, Responder& responder) const {
    ASSIGN_OR_RETURN(const json body, base::parse_json(request.body));
    const std::string path = base::string_at(body, {"path"});
    if (!is_dashboard_path(path))
      return failure(Code::InvalidArgument, "path: must end with /dashboard/");
    const kube::ObjectKey run{base::string_at(body, {"namespace"}), base::string_at(body, {"run"})};
    ASSIGN_OR_RETURN(const std::string link, spark_.link(run, path));
    answer(responder, 200, {{"path", link}});
    return {};
  }

  const Options options_;
  const SparkPages spark_;
};

}  // namespace

base::http::Handler handler(Options options) {
  return [door = std::make_shared<const Door>(std::move(options))](
             Request request, std::shared_ptr<Responder> responder) {
    door->handle(std::move(request), std::move(responder));
  };
}

base::http::Admit admit(const Login& login, std::string cookie, Authorize authorize) {
  return [&login, cookie = std::move(cookie),
          authorize = std::move(authorize)](const Request& head) -> base::http::Admission {
    if (has_session(head, login, cookie) || authorize(head) || SparkPages::admits(login, head.path))
      return {.refusal = std::nullopt, .trusted = true};
    if (head.method == "GET" || head.method == "HEAD" || head.path == "/dashboard/login") return {};
    return {.refusal = refusal({.code = Code::Unauthenticated,
                                .message = "log in: `sparkctl dashboard` prints a link"})};
  };
}

}  // namespace monitor::dashboard
