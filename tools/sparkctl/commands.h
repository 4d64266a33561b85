#pragma once

// What sparkctl's subcommands do once the command line is understood. Each writes its result to
// the session's output; a returned Error is what the user is told.
//
// Threads: main only.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/sparkctl/session.h"
#include "tools/sparkctl/upload.h"

namespace sparkctl {

enum class Listed { Schedules, Runs };
enum class Follow { No, Yes };
// With a schedule: only its runs, the newest first. With Follow, changes too, until interrupted.
base::Status list(Session& session, Listed what, const std::string& schedule,
                  Follow follow = Follow::No);
// Follow is for things of one kind.
base::Status get(Session& session, const std::vector<std::string>& names,
                 Follow follow = Follow::No);
base::Status describe(Session& session, const std::vector<std::string>& names);

// Files of YAML or JSON documents, "-" = standard input. Nothing is created unless all of them can
// be read and are of a known kind, and what they name is sent, if that is wanted.
base::Status create(Session& session, const std::vector<std::string>& files,
                    const UploadOptions& uploading = {});
// A run `name` of the schedule's template, beside the schedule, which takes no notice of it.
base::Status create_from(Session& session, const std::string& name, const std::string& schedule);
base::Status remove(Session& session, const std::vector<std::string>& names);
enum class Suspension { Suspend, Resume };
base::Status set_suspension(Session& session, const std::vector<std::string>& names,
                            Suspension suspension);

// Ends the driver of a run; the run stays, as FAILED, and says who stopped it. Of one that has
// ended nothing but a word on the error stream. Needs the permission to patch
// sparkapplications/status.
base::Status stop(Session& session, const std::vector<std::string>& names);
// One more attempt of a run that failed, for the same slot; as stop() in what it needs.
base::Status retry(Session& session, const std::vector<std::string>& names);

struct TriggerOptions {
  std::string name;
  bool wait = false;
  std::chrono::seconds timeout{0};  // 0 = as long as it takes
};
// Without wait always kDone.
base::Result<ExitCode> trigger(Session& session, const TriggerOptions& options);

enum class Outcomes { All, Failed };
struct HistoryOptions {
  std::string schedule;  // "" = all of the session's namespaces
  Outcomes outcomes = Outcomes::All;
  // What ended in that time, and what has not ended.
  std::optional<std::chrono::seconds> since = {};
  int limit = 20;
};
// From the service's own ledger, which outlives pruning.
base::Status history(Session& session, const HistoryOptions& options);

struct LogsOptions {
  std::string name;  // a run, or a schedule: its newest run
  // `previous`: of the attempt before the last. `follow` waits for a driver that has not started,
  // and for a server that is away, and ends when the driver has: not for earlier attempts.
  kube::LogOptions log;
  std::string executor = {};  // its number, as Spark counts; "" = the driver
  int attempt = 0;            // the first is 1; 0 = the last
  std::string grep = {};      // only lines with that in them
};
base::Status logs(Session& session, const LogsOptions& options);

struct ForwardOptions {
  std::string name;          // a run, or a schedule: its newest run that is RUNNING
  uint16_t port = 4040;      // of this machine; 0 = any
  uint16_t remote_port = 0;  // 0 = as the run's status says
};
// Makes Spark's page of a driver reachable here until the run ends: through the API server's proxy
// of the pod, which takes the right to `get` pods/proxy. Of a driver on the service's own machine
// only its address is printed.
base::Status forward(Session& session, const ForwardOptions& options);

struct TimelineOptions {
  std::chrono::seconds span{std::chrono::hours{24}};
  std::string zone = "UTC";
};
// The slots of all schedules from now on, how long their runs are expected to take, and how many
// run at once.
base::Status timeline(Session& session, const TimelineOptions& options);

struct WhyOptions {
  std::string schedule;
  // RFC 3339, or "2026-11-20 02:00" or "02:00" (today) in the schedule's zone; "" = the last slot.
  std::string at;
};
// In words, why a slot ran, was skipped, is held or is late.
base::Status why(Session& session, const WhyOptions& options);

// `name`: of that object and of what is named after it, as runs and pods are; "" = all.
base::Status events(Session& session, const std::string& name, Follow follow);

enum class Opening { Browser, None };
// Prints a link that logs a browser in, once, and opens it if a person is there and has a browser.
// Unimplemented where no link is given: its message says how the dashboard of a cluster is reached.
base::Status dashboard(Session& session, Opening opening);

base::Status version(Session& session);

}  // namespace sparkctl
