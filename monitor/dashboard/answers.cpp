#include "monitor/dashboard/answers.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "monitor/dashboard/question.h"
#include "scheduler/explain.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::string_at;
using nlohmann::json;

// What a strip of outcomes shows of why a run failed.
constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxRecentBytes = size_t{256} << 10;

base::Status check_list(const json& questions) {
  if (questions.is_array() && questions.size() <= kMaxQuestions) return {};
  return failure(Code::InvalidArgument,
                 "the body must be a list of at most " + std::to_string(kMaxQuestions));
}

json words_of(const json& one, const std::string& default_zone) {
  const auto question = read_question(one, default_zone);
  if (!question) return {{"error", question.error().message}};
  const auto text = scheduler::explain(question->expression, question->options());
  if (!text) return {{"error", text.error().message}};
  return {{"words", *text}};
}

void set_time(json& object, const char* name, const std::optional<base::WallTime>& time) {
  if (time) object[name] = base::format_rfc3339_micro(*time);
}

json run_of(const runner::RunRecord& run) {
  json object = {{"name", run.name}, {"state", run.state}};
  set_time(object, "slot", run.slot);
  set_time(object, "created", run.created);
  set_time(object, "ended", run.ended);
  if (!run.message.empty()) object["message"] = run.message.substr(0, kMaxMessage);
  return object;
}

// Without its reason, which is not drawn.
json past_run_of(const runner::RunRecord& run) {
  json object = {{"namespace", run.schedule.ns}, {"name", run.name}, {"state", run.state}};
  if (!run.schedule.name.empty()) object["schedule"] = run.schedule.name;
  set_time(object, "slot", run.slot);
  set_time(object, "created", run.created);
  set_time(object, "started", run.started);
  set_time(object, "ended", run.ended);
  return object;
}

// "namespace/name"
base::Result<kube::ObjectKey> key_of(const json& one) {
  const std::string key = one.is_string() ? one.get<std::string>() : "";
  const size_t slash = key.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == key.size())
    return failure(Code::InvalidArgument, "every entry must be a text \"namespace/name\"");
  return kube::ObjectKey{key.substr(0, slash), key.substr(slash + 1)};
}

// No more than kMaxPast of all that is asked for together.
base::Status add_past(json& answer, const HistoryQuery& query, Ledger& ledger) {
  json& runs = answer["runs"];
  json& skips = answer["skips"];
  if (answer["cut"] == true) return {};
  const auto history = ledger.history(query);
  if (!history) return failure(Code::Unavailable, history.error().message);
  for (const runner::RunRecord& run : history->runs)
    if (runs.size() < kMaxPast) runs.push_back(past_run_of(run));
  for (const runner::SkipRecord& skip : history->skips)
    if (skips.size() < kMaxPast)
      skips.push_back({{"namespace", skip.schedule.ns},
                       {"schedule", skip.schedule.name},
                       {"from", base::format_rfc3339(skip.from)},
                       {"to", base::format_rfc3339(skip.to)},
                       {"count", skip.count},
                       {"reason", skip.reason}});
  answer["cut"] = history->cut || runs.size() >= kMaxPast || skips.size() >= kMaxPast;
  return {};
}

}  // namespace

base::Result<json> words(const json& questions, const std::string& default_zone) {
  RETURN_IF_ERROR(check_list(questions));
  json answers = json::array();
  for (const json& question : questions)
    answers.push_back(words_of(question, default_zone));
  return answers;
}

base::Result<json> recent(const json& schedules, Ledger& ledger) {
  RETURN_IF_ERROR(check_list(schedules));
  json answers = json::object();
  for (const json& one : schedules) {
    ASSIGN_OR_RETURN(const kube::ObjectKey key, key_of(one));
    auto history = ledger.history({.ns = key.ns,
                                   .schedule = key.name,
                                   .run = "",
                                   .limit = kRecentRuns,
                                   .max_bytes = kMaxRecentBytes,
                                   .rows = HistoryRows::Runs});
    if (!history) return failure(Code::Unavailable, history.error().message);
    json runs = json::array();
    for (const runner::RunRecord& run : history->runs)
      runs.push_back(run_of(run));
    answers[key.to_string()] = std::move(runs);
  }
  return answers;
}

base::Result<json> past(const json& question, Ledger& ledger,
                        const std::optional<std::set<std::string>>& namespaces) {
  ASSIGN_OR_RETURN(const scheduler::Instant since, read_time(question, "since"));
  HistoryQuery query{.since = since, .limit = kMaxPast};
  json answer = {{"runs", json::array()}, {"skips", json::array()}, {"cut", false}};
  if (const json* one = base::find(question, {"schedule"})) {
    ASSIGN_OR_RETURN(const kube::ObjectKey key, key_of(*one));
    query.ns = key.ns;
    query.schedule = key.name;
  } else if (namespaces) {
    for (const std::string& ns : *namespaces) {
      query.ns = ns;
      RETURN_IF_ERROR(add_past(answer, query, ledger));
    }
    return answer;
  }
  RETURN_IF_ERROR(add_past(answer, query, ledger));
  return answer;
}

base::Result<std::set<std::string>> namespaces_of_recent(const json& schedules) {
  RETURN_IF_ERROR(check_list(schedules));
  std::set<std::string> namespaces;
  for (const json& one : schedules) {
    ASSIGN_OR_RETURN(const kube::ObjectKey key, key_of(one));
    namespaces.insert(key.ns);
  }
  return namespaces;
}

base::Result<std::string> namespace_of_past(const json& question) {
  const json* one = base::find(question, {"schedule"});
  if (one == nullptr) return std::string();
  ASSIGN_OR_RETURN(const kube::ObjectKey key, key_of(*one));
  return key.ns;
}

}  // namespace monitor::dashboard
