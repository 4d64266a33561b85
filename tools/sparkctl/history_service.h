#pragma once

// Who keeps the history, and how it is asked. `sparkcron standalone` answers itself. On a cluster a
// Service of the chart does, behind the API server's proxy: who has the role "<service>-reader" of
// its namespace may `get` that proxy and make a token for the service account of the service's
// name. That token is for the service alone, so the caller's own credentials never leave for it.
//
// Threads: main only.

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/http/message.h"
#include "base/result.h"
#include "tools/sparkctl/session.h"

namespace sparkctl {

// On Services that keep history.
inline constexpr const char* kHistorySelector = "app.kubernetes.io/component=sparkcron-history";

// Unimplemented: nobody keeps one, as far as this server tells. Forbidden names the role that is
// missing. NotFound is the service's own answer.
base::Result<base::http::Response> ask_history(
    Session& session, const std::string& path,
    std::vector<std::pair<std::string, std::string>> query);

// Its rows, as /sparkcron/v1/history gives them: {"runs": […], "skips": […]}.
base::Result<nlohmann::json> ask_history_rows(
    Session& session, std::vector<std::pair<std::string, std::string>> query);

}  // namespace sparkctl
