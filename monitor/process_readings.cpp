#include "monitor/process_readings.h"

#include "base/guard.h"
#include "base/log.h"

namespace monitor {

using enum Reading::Kind;

std::vector<Reading> process_readings() {
  return {{.name = "sparkcron_log_lines_dropped_total",
           .help = "Log lines dropped because nobody took them in time",
           .kind = Counter,
           .value = static_cast<double>(base::dropped_log_lines())},
          {.name = "sparkcron_caught_exceptions_total",
           .help = "Exceptions that cost one object its step: each a bug or a lack of memory",
           .kind = Counter,
           .value = static_cast<double>(base::caught_exceptions())}};
}

std::vector<Reading> role_readings(Role role) {
  return {{.name = "sparkcron_leader",
           .help = "1 if this process starts runs, 0 if it waits for the lease",
           .kind = Gauge,
           .value = role == Role::Leader ? 1.0 : 0.0}};
}

std::vector<Reading> server_readings(const base::http::Server* server) {
  if (server == nullptr) return {};
  const base::http::ServerNumbers numbers = server->numbers();
  return {{.name = "sparkcron_http_trusted_connections",
           .help = "Connections of clients that have shown a token",
           .kind = Gauge,
           .value = static_cast<double>(numbers.trusted)},
          {.name = "sparkcron_http_stranger_connections",
           .help = "Connections of clients that have shown no token",
           .kind = Gauge,
           .value = static_cast<double>(numbers.strangers)},
          {.name = "sparkcron_http_memory_bytes",
           .help = "Bodies, answers and streams that are held now",
           .kind = Gauge,
           .value = static_cast<double>(numbers.memory_used)},
          {.name = "sparkcron_http_connections_shed_total",
           .help = "Connections closed to make room for others",
           .kind = Counter,
           .value = static_cast<double>(numbers.shed)},
          {.name = "sparkcron_http_answers_cut_total",
           .help = "Answers and streams given up because their clients read too slowly",
           .kind = Counter,
           .value = static_cast<double>(numbers.cut)},
          {.name = "sparkcron_http_requests_refused_total",
           .help = "Requests refused for lack of room or memory",
           .kind = Counter,
           .value = static_cast<double>(numbers.refused)}};
}

}  // namespace monitor
