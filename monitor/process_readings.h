#pragma once

// What /metrics says of the process itself: log lines, caught exceptions, its HTTP server.
//
// Threads: any.

#include <vector>

#include "base/http/server.h"
#include "monitor/metrics.h"

namespace monitor {

// sparkcron_log_lines_dropped_total, sparkcron_caught_exceptions_total.
[[nodiscard]] std::vector<Reading> process_readings();

// sparkcron_leader: whether this process starts runs, or waits for the lease.
enum class Role { Leader, Standby };
[[nodiscard]] std::vector<Reading> role_readings(Role role);

// sparkcron_http_*: of the server that answers the scrape; none while it is null, not listening
// yet.
[[nodiscard]] std::vector<Reading> server_readings(const base::http::Server* server);

}  // namespace monitor
