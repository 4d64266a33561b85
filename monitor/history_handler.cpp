#include "monitor/history_handler.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "monitor/ledger_rows.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::http::Request;
using base::http::Responder;
using nlohmann::json;

constexpr size_t kMaxLimit = 10'000;
constexpr size_t kMaxLog = size_t{32} << 20;

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

void refuse(Responder& responder, const base::Error& error) {
  struct Meaning {
    Code code;
    int status;
    const char* reason;
  };
  static constexpr Meaning kMeanings[] = {{Code::InvalidArgument, 400, "BadRequest"},
                                          {Code::Unauthenticated, 401, "Unauthorized"},
                                          {Code::Forbidden, 403, "Forbidden"},
                                          {Code::NotFound, 404, "NotFound"},
                                          {Code::Unimplemented, 405, "MethodNotAllowed"},
                                          {Code::ResourceExhausted, 429, "TooManyRequests"}};
  Meaning meaning{Code::Unavailable, 503, "ServiceUnavailable"};
  for (const Meaning& one : kMeanings)
    if (one.code == error.code) meaning = one;
  answer(responder, meaning.status,
         {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"status", "Failure"},
          {"reason", meaning.reason},
          {"message", error.message},
          {"code", meaning.status}});
}

// Who calls is asked first: a stranger learns nothing of what there is.
bool refused(const Request& request, const Authorize& authorize, Responder& responder) {
  base::Status allowed = authorize(request);
  if (allowed && request.method != "GET" && request.method != "HEAD")
    allowed = failure(Code::Unimplemented, "history can only be read");
  if (!allowed) refuse(responder, allowed.error());
  return !allowed;
}

template <class Number>
base::Result<Number> parse_number(std::string_view text, Number least, Number most) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
    return failure(Code::InvalidArgument, quoted(text) + " is not a number from " +
                                              std::to_string(least) + " to " +
                                              std::to_string(most));
  return number;
}

base::Result<base::WallTime> parse_time(const char* parameter, std::string_view text) {
  const auto time = base::parse_rfc3339(std::string(text));
  if (!time)
    return failure(Code::InvalidArgument,
                   std::string(parameter) + ": " + quoted(text) + " is not RFC 3339");
  return *time;
}

base::Result<Window> window_of(const Request& request, const char* from, const char* to) {
  Window window;
  if (const auto text = request.parameter(from)) {
    ASSIGN_OR_RETURN(window.from, parse_time(from, *text));
  }
  if (const auto text = request.parameter(to)) {
    ASSIGN_OR_RETURN(window.to, parse_time(to, *text));
  }
  return window;
}

base::Result<HistoryQuery> history_query(const Request& request) {
  HistoryQuery query{.ns = std::string(request.parameter("namespace").value_or("")),
                     .schedule = std::string(request.parameter("schedule").value_or("")),
                     .run = std::string(request.parameter("run").value_or("")),
                     .state = std::string(request.parameter("state").value_or(""))};
  if (const auto text = request.parameter("since")) {
    ASSIGN_OR_RETURN(query.since, parse_time("since", *text));
  }
  ASSIGN_OR_RETURN(const Window window, window_of(request, "endedFrom", "endedTo"));
  if (window.from || window.to) query.ended = window;
  const std::string_view order = request.parameter("order").value_or("newest");
  if (order == "slowest")
    query.order = HistoryOrder::SlowestFirst;
  else if (order != "newest")
    return failure(Code::InvalidArgument, "order: " + quoted(order) + " is not newest or slowest");
  if (query.since && (query.ended || order == "slowest"))
    return failure(
        Code::InvalidArgument,
        "since: does not go with endedFrom, endedTo and the order slowest; say endedFrom");
  if (const auto text = request.parameter("limit")) {
    const auto limit = parse_number<size_t>(*text, 1, kMaxLimit);
    if (!limit) return failure(limit.error().with_context("limit"));
    query.limit = *limit;
  }
  return query;
}

base::Result<SummaryQuery> summary_query(const Request& request) {
  SummaryQuery query{.ns = std::string(request.parameter("namespace").value_or("")),
                     .schedule = std::string(request.parameter("schedule").value_or("")),
                     .window = {}};
  if (!query.schedule.empty() && query.ns.empty())
    return failure(Code::InvalidArgument, "namespace must say where the schedule is");
  ASSIGN_OR_RETURN(query.window, window_of(request, "from", "to"));
  return query;
}

base::Result<kube::LogOptions> log_options(const Request& request) {
  kube::LogOptions options{.container = std::string(request.parameter("container").value_or("")),
                           .timestamps = request.parameter("timestamps") == "true"};
  constexpr int64_t kMost = int64_t{1} << 53;
  struct Field {
    const char* name;
    int64_t least;
    std::optional<int64_t>* value;
  };
  for (const Field& field :
       {Field{"tailLines", 0, &options.tail_lines}, Field{"limitBytes", 1, &options.limit_bytes}}) {
    const auto text = request.parameter(field.name);
    if (!text) continue;
    const auto number = parse_number<int64_t>(*text, field.least, kMost);
    if (!number) return failure(number.error().with_context(field.name));
    *field.value = *number;
  }
  if (const auto text = request.parameter("sinceTime")) {
    ASSIGN_OR_RETURN(options.since, parse_time("sinceTime", *text));
  }
  return options;
}

base::Result<WantedLog> wanted_log(const Request& request) {
  WantedLog wanted{.run = {std::string(request.parameter("namespace").value_or("")),
                           std::string(request.parameter("run").value_or(""))},
                   .container = std::string(request.parameter("container").value_or(""))};
  if (wanted.run.ns.empty() || wanted.run.name.empty())
    return failure(Code::InvalidArgument, "namespace and run must say whose log is wanted");
  if (const auto text = request.parameter("attempt")) {
    const auto attempt = parse_number<int64_t>(*text, 1, std::numeric_limits<int32_t>::max());
    if (!attempt) return failure(attempt.error().with_context("attempt"));
    wanted.attempt = *attempt;
  }
  return wanted;
}

base::Result<std::string> read_log(const OpenRunLog& open, const WantedLog& wanted,
                                   const kube::LogOptions& options) {
  ASSIGN_OR_RETURN(const auto reader, open(wanted, options));
  std::string text;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, reader->read());
    if (!bytes) return text;
    if (text.size() + bytes->size() > kMaxLog)
      return text + "[sparkcron: the answer ends here, the log goes on: ask for its last lines]\n";
    text += *bytes;
  }
}

void set_time(json& object, const char* name, const std::optional<base::WallTime>& time) {
  if (time) object[name] = base::format_rfc3339_micro(*time);
}

json run_to_json(const runner::RunRecord& run) {
  json object = {
      {"namespace", run.schedule.ns}, {"name", run.name},
      {"state", run.state},           {"manual", run.manual},
      {"attempts", run.attempts},     {"created", base::format_rfc3339_micro(run.created)}};
  if (!is_seeded(run)) object["uid"] = run.uid;
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
  object["origin"] = runner::to_string(runner::origin_of(run));
  set_time(object, "firstStarted", run.first_started);
  if (run.executors > 0) object["peakExecutors"] = run.executors;
  return object;
}

double seconds_of(std::chrono::milliseconds duration) {
  return static_cast<double>(duration.count()) / 1000.0;
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

json to_json(const Summary& summary) {
  const uint64_t ended = summary.completed + summary.failed;
  json runs = {{"ended", ended}, {"completed", summary.completed}, {"failed", summary.failed}};
  if (ended > 0)
    runs["successRate"] = static_cast<double>(summary.completed) / static_cast<double>(ended);
  if (summary.p50)
    runs["duration"] = {{"p50", seconds_of(*summary.p50)},
                        {"p95", seconds_of(*summary.p95)},
                        {"longest", seconds_of(*summary.longest)}};
  json object = {{"runs", std::move(runs)}, {"skipped", summary.skipped}};
  if (summary.cut) object["cut"] = true;
  return object;
}

base::http::Handler history_handler(Ledger& ledger, Authorize authorize) {
  return [&ledger, authorize = std::move(authorize)](const Request& request,
                                                     std::shared_ptr<Responder> responder) {
    if (refused(request, authorize, *responder)) return;
    const auto query = history_query(request);
    if (!query) return refuse(*responder, query.error());
    const auto history = ledger.history(*query);
    if (!history)
      return refuse(*responder, {.code = Code::Unavailable, .message = history.error().message});
    answer(*responder, 200, to_json(*history));
  };
}

base::http::Handler summary_handler(Ledger& ledger, Authorize authorize) {
  return [&ledger, authorize = std::move(authorize)](const Request& request,
                                                     std::shared_ptr<Responder> responder) {
    if (refused(request, authorize, *responder)) return;
    const auto query = summary_query(request);
    if (!query) return refuse(*responder, query.error());
    const auto summary = ledger.summary(*query);
    if (!summary)
      return refuse(*responder, {.code = Code::Unavailable, .message = summary.error().message});
    json object = to_json(*summary);
    object["kind"] = "Summary";
    object["apiVersion"] = "sparkcron/v1";
    if (!query->ns.empty()) object["namespace"] = query->ns;
    if (!query->schedule.empty()) object["schedule"] = query->schedule;
    set_time(object, "from", query->window.from);
    set_time(object, "to", query->window.to);
    answer(*responder, 200, object);
  };
}

base::http::Handler log_handler(OpenRunLog open, Authorize authorize) {
  return [open = std::move(open), authorize = std::move(authorize)](
             const Request& request, std::shared_ptr<Responder> responder) {
    if (refused(request, authorize, *responder)) return;
    const auto wanted = wanted_log(request);
    if (!wanted) return refuse(*responder, wanted.error());
    const auto options = log_options(request);
    if (!options) return refuse(*responder, options.error());
    const auto text = read_log(open, *wanted, *options);
    if (!text) return refuse(*responder, text.error());
    base::http::Response response{
        .status = 200,
        .headers = {{"Content-Type", "text/plain"}, {"Cache-Control", "no-store"}},
        .body = *text};
    if (wanted->attempt > 0) response.headers.add(kAttemptHeader, std::to_string(wanted->attempt));
    responder->send(std::move(response));
  };
}

}  // namespace monitor
