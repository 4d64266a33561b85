#pragma once

// What the dashboard's pages ask for besides the API: pure but for the ledger that is read.
//
// Errors: InvalidArgument for a question that is no such list or too long, Unavailable when the
// ledger cannot be read. Threads: any.

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "monitor/ledger.h"

namespace monitor::dashboard {

inline constexpr size_t kMaxQuestions = 200;
inline constexpr size_t kRecentRuns = 30;
inline constexpr size_t kMaxPast = 10'000;

// [question (question.h), …] → [{"words"} or {"error"}, …]
base::Result<nlohmann::json> words(const nlohmann::json& questions,
                                   const std::string& default_zone);
// ["namespace/name", …] → {"namespace/name": [{"name","state","slot","created","ended",
// "message"}, …]}, of each the last kRecentRuns, the newest first.
base::Result<nlohmann::json> recent(const nlohmann::json& schedules, Ledger& ledger);
// {"since", "schedule": "namespace/name" or none for all} → {"runs":
// [{"namespace","schedule","name", "state","slot","created","started","ended"}, …], "skips":
// [{"namespace","schedule","from","to", "count","reason"}, …], "cut"}: what ended or was skipped
// then or later, and what goes on; the newest kMaxPast of each, and "cut" is true if there may be
// more. With `namespaces` a question for all schedules is one for those of these namespaces.
base::Result<nlohmann::json> past(const nlohmann::json& question, Ledger& ledger,
                                  const std::optional<std::set<std::string>>& namespaces = {});
// The namespaces that recent() and past() are asked about; "" stands for all.
base::Result<std::set<std::string>> namespaces_of_recent(const nlohmann::json& schedules);
base::Result<std::string> namespace_of_past(const nlohmann::json& question);

}  // namespace monitor::dashboard
