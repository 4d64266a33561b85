#pragma once

// What sparkctl's subcommands do once the command line is understood. Each writes its result to
// the session's output; a returned Error is what the user is told.
//
// Threads: main only.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tools/sparkctl/session.h"

namespace sparkctl {

enum class Listed { Schedules, Runs };
// With a schedule: only its runs, the newest first.
base::Status list(Session& session, Listed what, const std::string& schedule);
base::Status get(Session& session, const std::vector<std::string>& names);
base::Status describe(Session& session, const std::vector<std::string>& names);

// Files of YAML or JSON documents, "-" = standard input. Nothing is created unless all of them can
// be read and are of a known kind.
base::Status create(Session& session, const std::vector<std::string>& files);
base::Status remove(Session& session, const std::vector<std::string>& names);
enum class Suspension { Suspend, Resume };
base::Status set_suspension(Session& session, const std::vector<std::string>& names,
                            Suspension suspension);

struct TriggerOptions {
  std::string name;
  bool wait = false;
  std::chrono::seconds timeout{0};  // 0 = as long as it takes
};
// Without wait always kDone.
base::Result<ExitCode> trigger(Session& session, const TriggerOptions& options);

// From the service's own ledger, which outlives pruning. `schedule` "" = all of the namespace.
base::Status history(Session& session, const std::string& schedule, int limit);

struct LogsOptions {
  std::string name;  // a run, or a schedule: its newest run
  kube::LogOptions log;
};
base::Status logs(Session& session, const LogsOptions& options);

base::Status version(Session& session);

}  // namespace sparkctl
