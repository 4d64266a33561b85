#pragma once

// failure: how a run's failure is told, as sentences that people can read: what ended its driver,
// and the last words of its log instead of a piece from the middle of it.
//
// A message is one sentence, then, if there is more to see, the lines that it was taken from.
// Threads: pure functions.

#include <cstdint>
#include <string>
#include <string_view>

namespace runner {

// "failed with exit code 3", "used more memory than its limit and was killed (OOMKilled, exit code
// 137)": what a container is said to have done. `reason` is Kubernetes'.
std::string exit_in_words(int64_t code, std::string_view reason);

// "driver was evicted: the node was low on memory": of a pod's status.reason and status.message, or
// of those of its DisruptionTarget condition. "" for an empty reason and message.
std::string pod_end_in_words(std::string_view reason, std::string_view message);

// What the end of a log says: its last exception (of a chain of causes the root), else its last
// line that is no progress report. "" if it says nothing.
std::string last_words(std::string_view log);

// `what` with the last words of the log, and the log itself below if it has more to say.
std::string told_with_log(std::string what, const std::string& log);

// What of a message a status has room for: 8 KiB.
std::string bounded(std::string message);

// The sentence of a message, for a column: one line, at most 200 characters, cut between words.
std::string one_line(std::string_view message);

}  // namespace runner
