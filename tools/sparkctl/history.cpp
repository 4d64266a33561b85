#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "base/yaml/yaml.h"
#include "runner/failure.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/history_service.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {
namespace {

using base::integer_at;
using base::string_at;
using kube::Json;

constexpr const char* kPath = "/sparkcron/v1/history";

// A run's place in time: its slot, or when it was created by hand; a stretch's end.
std::string moment_of(const Json& entry) {
  for (const char* field : {"slot", "to", "created"}) {
    if (std::string time = string_at(entry, {field}); !time.empty()) return time;
  }
  return "";
}

// Runs and skipped stretches in one list, the newest first.
std::vector<Json> entries_of(const Json& answer, size_t limit) {
  std::vector<Json> entries;
  for (const char* list : {"runs", "skips"}) {
    const Json* part = base::find(answer, {list});
    if (part == nullptr || !part->is_array()) continue;
    entries.insert(entries.end(), part->begin(), part->end());
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Json& left, const Json& right) {
    return moment_of(left) > moment_of(right);
  });
  if (entries.size() > limit) entries.resize(limit);
  return entries;
}

// The ledger knows milliseconds (-o json shows them).
std::string to_the_second(const std::optional<base::WallTime>& time) {
  return time ? base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*time)) : "";
}

bool is_skip(const Json& entry) {
  return entry.contains("reason") && entry.contains("from");
}

// Whose it is: as many cells as whose_columns().
std::vector<Cell> whose(const Json& entry, const Session& session, const HistoryOptions& options) {
  std::vector<Cell> cells;
  if (session.scope == Scope::All) cells.emplace_back(string_at(entry, {"namespace"}));
  if (options.schedule.empty()) cells.emplace_back(string_at(entry, {"schedule"}));
  return cells;
}

std::vector<std::string> columns(const Session& session, const HistoryOptions& options) {
  std::vector<std::string> titles;
  if (session.scope == Scope::All) titles.emplace_back("NAMESPACE");
  if (options.schedule.empty()) titles.emplace_back("SCHEDULE");
  for (const char* title :
       {"SLOT (UTC)", "OUTCOME", "STARTED (UTC)", "DURATION", "ATTEMPTS", "EXIT", "RUN", "MESSAGE"})
    titles.emplace_back(title);
  return titles;
}

std::vector<Cell> run_row(const Json& run) {
  const std::string state = string_at(run, {"state"});
  // All attempts together; older services know the last one's start alone.
  auto started = time_at(run, {"firstStarted"});
  for (const char* field : {"started", "submitted"})
    if (!started) started = time_at(run, {field});
  const auto ended = time_at(run, {"ended"});
  const auto exit_code = integer_at(run, {"exitCode"});
  const auto attempts = integer_at(run, {"attempts"});
  return {string_at(run, {"slot"}).empty() ? "by hand" : string_at(run, {"slot"}),
          Cell(state, colour_of(state)),
          to_the_second(started),
          started && ended ? exact(*ended - *started) : "",
          attempts ? std::to_string(*attempts) : "",
          exit_code ? std::to_string(*exit_code) : "",
          string_at(run, {"name"}),
          runner::one_line(string_at(run, {"message"}))};
}

std::vector<Cell> skip_row(const Json& skip) {
  const auto count = integer_at(skip, {"count"}).value_or(1);
  return {string_at(skip, {"to"}),
          Cell("Skipped", Colour::Yellow),
          "",
          "",
          "",
          "",
          "",
          string_at(skip, {"reason"}) + (count > 1 ? ", " + std::to_string(count) +
                                                         " slots since " + string_at(skip, {"from"})
                                                   : "")};
}

// Older services know neither `state` nor `since` and answer with other runs too.
void keep_asked_for(std::vector<Json>& entries, const HistoryOptions& options,
                    const std::string& since) {
  std::erase_if(entries, [&](const Json& entry) {
    const bool failed = string_at(entry, {"state"}) == "FAILED";
    if (options.outcomes == Outcomes::Failed && !failed) return true;
    const std::string end = string_at(entry, {is_skip(entry) ? "to" : "ended"});
    return !since.empty() && !end.empty() && end < since;
  });
}

// Slots of the schedule that are due and wait, as a row of their own.
std::optional<std::vector<Cell>> waiting_row(Session& session, const HistoryOptions& options) {
  if (options.schedule.empty() || options.outcomes == Outcomes::Failed) return std::nullopt;
  const auto schedule = find_schedule(session, options.schedule);
  if (!schedule) return std::nullopt;
  const Json* held = base::find(*schedule, {"status", "scheduling", "held"});
  if (held == nullptr) return std::nullopt;
  const auto count = integer_at(*held, {"count"}).value_or(1);
  return std::vector<Cell>{
      string_at(*held, {"last"}),
      Cell("Waiting", Colour::Yellow),
      "",
      "",
      "",
      "",
      "",
      string_at(*held, {"reason"}) +
          (count > 1 ? ", " + std::to_string(count) + " slots since " + string_at(*held, {"first"})
                     : "")};
}

base::Result<Json> ask(Session& session, const HistoryOptions& options, const std::string& since) {
  std::vector<std::pair<std::string, std::string>> query;
  if (session.scope != Scope::All) query.emplace_back("namespace", session.ns);
  if (!options.schedule.empty()) query.emplace_back("schedule", options.schedule);
  if (options.outcomes == Outcomes::Failed) query.emplace_back("state", "FAILED");
  if (!since.empty()) query.emplace_back("since", since);
  query.emplace_back("limit", std::to_string(options.limit));
  return ask_history_rows(session, std::move(query));
}

// JSON, YAML or names; false when a table is wanted.
bool show_entries_raw(Session& session, const std::vector<Json>& entries) {
  if (session.output == Output::Json) {
    session.out << Json(entries).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else if (session.output == Output::Yaml) {
    session.out << base::yaml::dump(Json(entries));
  } else if (session.output == Output::Name) {
    for (const Json& entry : entries)
      if (const std::string name = string_at(entry, {"name"}); !name.empty())
        session.out << name << '\n';
  } else {
    return false;
  }
  return true;
}

void say_nothing_there(Session& session, const HistoryOptions& options) {
  if (options.outcomes == Outcomes::All && !options.since) {
    session.err << "No history yet.\n";
    return;
  }
  session.err << (options.outcomes == Outcomes::Failed ? "No run failed" : "Nothing ended")
              << (options.since ? " in the last " + span_text(*options.since) : "")
              << (session.scope == Scope::All ? std::string(" in any namespace")
                                              : " in namespace \"" + session.ns + "\"")
              << ".\n";
}

}  // namespace

base::Result<Json> ask_history_rows(Session& session,
                                    std::vector<std::pair<std::string, std::string>> query) {
  ASSIGN_OR_RETURN(const base::http::Response answer,
                   ask_history(session, kPath, std::move(query)));
  auto parsed = base::parse_json(answer.body, {.bytes = size_t{64} << 20});
  if (!parsed) return base::failure(parsed.error().with_context("history"));
  return parsed;
}

base::Result<Json> past_run(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(
      const Json answer,
      ask_history_rows(session, {{"namespace", session.ns}, {"run", name}, {"limit", "1"}}));
  const Json* runs = base::find(answer, {"runs"});
  // A service that does not know the parameter answers with other runs.
  if (runs != nullptr && runs->is_array())
    for (const Json& run : *runs)
      if (string_at(run, {"name"}) == name) return run;
  return base::failure(base::Code::NotFound, "no run \"" + name + "\" in the history either");
}

base::Status history(Session& session, const HistoryOptions& options) {
  const std::string since =
      options.since ? base::format_rfc3339_micro(session.clock.now() - *options.since) : "";
  ASSIGN_OR_RETURN(const Json answer, ask(session, options, since));
  std::vector<Json> entries = entries_of(answer, static_cast<size_t>(options.limit));
  keep_asked_for(entries, options, since);
  if (base::bool_at(answer, {"cut"}).value_or(false))
    session.err << "sparkctl: the service's answer ends at a size: older runs or skipped stretches "
                   "are left out; name a schedule or a smaller --limit\n";
  if (show_entries_raw(session, entries)) return {};
  std::optional<std::vector<Cell>> waiting = waiting_row(session, options);
  if (entries.empty() && !waiting) {
    // What never was there is not found; who may not read schedules may still read history.
    if (!options.schedule.empty()) {
      const auto found = find_schedule(session, options.schedule);
      if (!found && found.error().code == base::Code::NotFound) return base::failure(found.error());
    }
    say_nothing_there(session, options);
    return {};
  }
  Table table(columns(session, options),
              session.output == Output::Wide ? Fit::AsLong : Fit::Wrapped);
  if (waiting) {
    if (session.scope == Scope::All) waiting->emplace(waiting->begin(), "");
    table.add(std::move(*waiting));
  }
  for (const Json& entry : entries) {
    std::vector<Cell> row = whose(entry, session, options);
    for (Cell& cell : is_skip(entry) ? skip_row(entry) : run_row(entry))
      row.push_back(std::move(cell));
    table.add(std::move(row));
  }
  table.print(session.out, session.colours);
  return {};
}

}  // namespace sparkctl
