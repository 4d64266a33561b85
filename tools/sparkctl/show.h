#pragma once

// Objects on the terminal: tables of schedules and runs, descriptions, JSON and YAML.
//
// Threads: main only.

#include <functional>
#include <string>
#include <vector>

#include "tools/sparkctl/session.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {

// Rows fit the table only while the session's scope and output stay as they were.
Table table_of_schedules(const Session& session);
Table table_of_runs(const Session& session);
void add_schedules(Table& table, const Session& session, const std::vector<kube::Json>& schedules);
void add_runs(Table& table, const Session& session, const std::vector<kube::Json>& runs);
// Core events: OBJECT, TYPE, REASON, AGE, COUNT, MESSAGE.
std::vector<Cell> event_row(const kube::Json& event, base::WallTime now);
void sort_events(std::vector<kube::Json>& events);  // by when they were last seen
Table table_of_events(const Session& session);
void add_events(Table& table, const Session& session, const std::vector<kube::Json>& events);
// The objects as they are, then each change as a row or a document of its own. Ends when the output
// does, or with an error that waiting does not mend. An API that was there and is gone for a while
// is waited for.
using Wanted = std::function<bool(const kube::Json& object)>;
base::Status watch(Session& session, const kube::ResourceType& type, Wanted wanted);
enum class Shape { One, List };
// JSON, YAML or names, as the session's output says; without managedFields. False when the output
// is a table, which the caller makes.
bool show_raw(Session& session, const kube::ResourceType& type, std::vector<kube::Json> objects,
              Shape shape);
void describe_schedule(Session& session, const kube::Json& schedule,
                       const std::vector<kube::Json>& events);
void describe_run(Session& session, const kube::Json& run, const std::vector<kube::Json>& events);
// As the history remembers it (past_run).
void describe_past_run(Session& session, const kube::Json& run);

// Of a state or an outcome: green what went well, red what did not, yellow what goes on.
Colour colour_of(const std::string& state);
// The state of a SparkApplication, "NEW" before the first.
std::string state_of(const kube::Json& run);
// Why it failed or waits, for a column.
std::string reason_of(const kube::Json& run);
bool is_final(const std::string& state);

}  // namespace sparkctl
