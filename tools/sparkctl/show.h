#pragma once

// Objects on the terminal: tables of schedules and runs, descriptions, JSON and YAML.
//
// Threads: main only.

#include <string>
#include <vector>

#include "tools/sparkctl/session.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {

void show_schedules(Session& session, const std::vector<kube::Json>& schedules);
void show_runs(Session& session, const std::vector<kube::Json>& runs);
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
