#pragma once

// GET /sparkcron/v1/history?namespace=&schedule=&run=&state=&since=&limit=: what `sparkctl history`
// shows. Runs and skipped stretches, newest first, as JSON; limit is 1 to 10,000, 100 if absent.
// With `run` only the runs of that name, with `state` those in that state, with `since` (RFC 3339)
// what ended or was last skipped then or later, and what has not ended. An answer that would be
// longer than some 8 MiB ends earlier and says "cut": true.
//
// With `endedFrom`, `endedTo` (RFC 3339, each may be left out) what ended from the one until before
// the other, the last first, or with `order=slowest` what took longest from its creation on.
//
// GET /sparkcron/v1/summary?namespace=&schedule=&from=&to=: numbers instead of rows, of one
// schedule, a namespace or all, over the runs that ended in the window; of the newest 10,000, and
// "cut": true says that there were more. Its shape is in monitor/README.md.
//
// GET /sparkcron/v1/log?namespace=&run=&attempt=: the kept log of a run's driver, as plain text;
// the newest, if there are several, or that of an attempt (from 1 on), which the answer's header
// X-Sparkcron-Attempt repeats. `container`, `tailLines`, `timestamps`, `limitBytes` and `sinceTime`
// are those of pods/log. An answer ends at 32 MiB, and says so in its last line.
//
// Errors are Status objects, as the API's: 400 for a bad parameter, 401, 403, 404 when no log is
// kept, 405, 429, 503 when the ledger cannot be read. Threads: the handlers from any thread; what
// they are given outlives them.

#include <functional>
#include <memory>

#include <nlohmann/json_fwd.hpp>

#include "base/http/server.h"
#include "base/result.h"
#include "kube/log_source.h"
#include "kube/resource_type.h"
#include "monitor/ledger.h"
#include "monitor/log_store.h"

namespace monitor {

inline constexpr const char* kHistoryPath = "/sparkcron/v1/history";
inline constexpr const char* kSummaryPath = "/sparkcron/v1/summary";
inline constexpr const char* kLogPath = "/sparkcron/v1/log";
inline constexpr const char* kAttemptHeader = "X-Sparkcron-Attempt";

// Whether the request may read; else Unauthenticated, Forbidden, ResourceExhausted or Unavailable.
// May wait for an API.
using Authorize = std::function<base::Status(const base::http::Request&)>;

base::http::Handler history_handler(Ledger& ledger, Authorize authorize);
base::http::Handler summary_handler(Ledger& ledger, Authorize authorize);
// Opens a log that is kept of a run's driver, NotFound if it is not.
using OpenRunLog = std::function<base::Result<std::unique_ptr<kube::LogReader>>(
    const WantedLog& wanted, const kube::LogOptions& options)>;
base::http::Handler log_handler(OpenRunLog open, Authorize authorize);

// {"kind":"History","apiVersion":"sparkcron/v1","runs":[…],"skips":[…]}, and "cut" if it was.
nlohmann::json to_json(const History& history);
// {"runs":{…},"skipped":{…}}, and "cut" if it was.
nlohmann::json to_json(const Summary& summary);

}  // namespace monitor
