#pragma once

// GET /sparkcron/v1/history?namespace=&schedule=&limit=: what `sparkctl history` shows. Runs and
// skipped stretches, newest first, as JSON; limit is 1 to 10,000, 100 if absent. An answer that
// would be longer than some 8 MiB ends earlier and says "cut": true.
//
// Errors are Status objects, as the API's: 400 for a bad limit, 401, 405, 503 when the ledger
// cannot be read. Threads: the handler from any thread; ledger and `authorized` outlive it.

#include <functional>

#include <nlohmann/json_fwd.hpp>

#include "base/http/server.h"
#include "monitor/ledger.h"

namespace monitor {

inline constexpr const char* kHistoryPath = "/sparkcron/v1/history";

// True when the request carries a token that may read.
using Authorized = std::function<bool(const base::http::Request&)>;

base::http::Handler history_handler(Ledger& ledger, Authorized authorized);

// {"kind":"History","apiVersion":"sparkcron/v1","runs":[…],"skips":[…]}, and "cut" if it was.
nlohmann::json to_json(const History& history);

}  // namespace monitor
