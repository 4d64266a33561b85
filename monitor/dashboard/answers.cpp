#include "monitor/dashboard/answers.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "scheduler/explain.h"
#include "scheduler/schedule.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::string_at;
using nlohmann::json;

// As the CustomResourceDefinition has them.
constexpr size_t kMaxExpression = 512;
// What a strip of outcomes shows of why a run failed.
constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxRecentBytes = size_t{256} << 10;

base::Status check_list(const json& questions) {
  if (questions.is_array() && questions.size() <= kMaxQuestions) return {};
  return failure(Code::InvalidArgument,
                 "the body must be a list of at most " + std::to_string(kMaxQuestions));
}

json words_of(const json& question, const std::string& default_zone) {
  const std::string expression = string_at(question, {"schedule"});
  std::string zone = string_at(question, {"timeZone"});
  if (zone.empty() || zone == "Local") zone = default_zone;
  const std::string policy = string_at(question, {"dstPolicy"});
  const std::string seed = string_at(question, {"seed"});
  if (expression.size() > kMaxExpression || zone.size() > kMaxExpression ||
      seed.size() > kMaxExpression)
    return {{"error", "too long"}};
  const auto dst = policy == "Once"         ? scheduler::DstPolicy::Once
                   : policy == "Kubernetes" ? scheduler::DstPolicy::Kubernetes
                                            : scheduler::DstPolicy::Vixie;
  const auto text =
      scheduler::explain(expression, {.zone = zone, .dst_policy = dst, .seed = seed, .anchor = {}});
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
    const std::string key = one.is_string() ? one.get<std::string>() : "";
    const size_t slash = key.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == key.size())
      return failure(Code::InvalidArgument, "every entry must be a text \"namespace/name\"");
    auto history = ledger.history({.ns = key.substr(0, slash),
                                   .schedule = key.substr(slash + 1),
                                   .run = "",
                                   .limit = kRecentRuns,
                                   .max_bytes = kMaxRecentBytes,
                                   .rows = HistoryRows::Runs});
    if (!history) return failure(Code::Unavailable, history.error().message);
    json runs = json::array();
    for (const runner::RunRecord& run : history->runs)
      runs.push_back(run_of(run));
    answers[key] = std::move(runs);
  }
  return answers;
}

}  // namespace monitor::dashboard
