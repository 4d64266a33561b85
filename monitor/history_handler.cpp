#include "monitor/history_handler.h"

#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace monitor {
namespace {

using base::http::Request;
using base::http::Responder;
using nlohmann::json;

constexpr size_t kMaxLimit = 10'000;

// Of what somebody wrote, as much as an error repeats.
std::string quoted(std::string_view text) {
  constexpr size_t kMost = 64;
  return "\"" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "…" : "") + "\"";
}

void answer(Responder& responder, int status, const json& body) {
  responder.send({.status = status,
                  .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
                  .body = base::dump_json(body)});
}

void refuse(Responder& responder, int status, const char* reason, const std::string& message) {
  answer(responder, status,
         {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"status", "Failure"},
          {"reason", reason},
          {"message", message},
          {"code", status}});
}

// nullopt: not a number from 1 to the maximum.
std::optional<size_t> parse_limit(std::string_view text) {
  size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > kMaxLimit)
    return std::nullopt;
  return limit;
}

void set_time(json& object, const char* name, const std::optional<base::WallTime>& time) {
  if (time) object[name] = base::format_rfc3339_micro(*time);
}

json run_to_json(const runner::RunRecord& run) {
  json object = {{"namespace", run.schedule.ns},
                 {"name", run.name},
                 {"uid", run.uid},
                 {"state", run.state},
                 {"manual", run.manual},
                 {"attempts", run.attempts},
                 {"created", base::format_rfc3339_micro(run.created)}};
  if (!run.schedule.name.empty()) object["schedule"] = run.schedule.name;
  if (!run.schedule_uid.empty()) object["scheduleUID"] = run.schedule_uid;
  if (run.slot)
    object["slot"] = base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*run.slot));
  set_time(object, "submitted", run.submitted);
  set_time(object, "started", run.started);
  set_time(object, "ended", run.ended);
  if (run.exit_code) object["exitCode"] = *run.exit_code;
  if (!run.message.empty()) object["message"] = run.message;
  if (!run.app_id.empty()) object["applicationId"] = run.app_id;
  return object;
}

json skip_to_json(const runner::SkipRecord& skip) {
  return {{"namespace", skip.schedule.ns},
          {"schedule", skip.schedule.name},
          {"scheduleUID", skip.schedule_uid},
          {"from", base::format_rfc3339(skip.from)},
          {"to", base::format_rfc3339(skip.to)},
          {"count", skip.count},
          {"reason", skip.reason}};
}

}  // namespace

json to_json(const History& history) {
  json runs = json::array();
  for (const runner::RunRecord& run : history.runs)
    runs.push_back(run_to_json(run));
  json skips = json::array();
  for (const runner::SkipRecord& skip : history.skips)
    skips.push_back(skip_to_json(skip));
  json object = {{"kind", "History"},
                 {"apiVersion", "sparkcron/v1"},
                 {"runs", std::move(runs)},
                 {"skips", std::move(skips)}};
  if (history.cut) object["cut"] = true;
  return object;
}

base::http::Handler history_handler(Ledger& ledger, Authorized authorized) {
  return [&ledger, authorized = std::move(authorized)](const Request& request,
                                                       std::shared_ptr<Responder> responder) {
    if (!authorized(request)) return refuse(*responder, 401, "Unauthorized", "Unauthorized");
    if (request.method != "GET" && request.method != "HEAD")
      return refuse(*responder, 405, "MethodNotAllowed", "history can only be read");
    HistoryQuery query{.ns = std::string(request.parameter("namespace").value_or("")),
                       .schedule = std::string(request.parameter("schedule").value_or(""))};
    if (const auto text = request.parameter("limit")) {
      const auto limit = parse_limit(*text);
      if (!limit)
        return refuse(
            *responder, 400, "BadRequest",
            "limit: " + quoted(*text) + " is not a number from 1 to " + std::to_string(kMaxLimit));
      query.limit = *limit;
    }
    const auto history = ledger.history(query);
    if (!history) return refuse(*responder, 503, "ServiceUnavailable", history.error().message);
    answer(*responder, 200, to_json(*history));
  };
}

}  // namespace monitor
