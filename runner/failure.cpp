#include "runner/failure.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <utility>
#include <vector>

namespace runner {
namespace {

constexpr size_t kMostCharacters = 200;
// A kubelet keeps the last 2,048 bytes of a log: from this size on its first line is a piece of
// one.
constexpr size_t kCutAt = 2000;
// More than a sentence with all of a termination message, which Kubernetes cuts at 4,096 bytes.
constexpr size_t kMostOfMessage = 8192;
constexpr int64_t kSignals = 128;

bool is_blank(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
}
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}
bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// Without colours.
std::string without_escapes(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b') {
      plain += text[i];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '[')
      for (i += 2; i < text.size() && (text[i] < '@' || text[i] > '~');)
        ++i;
  }
  return plain;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// What follows a level in a line of a log: "25/11/28 13:00:00 ERROR SparkContext: boom" gives
// "SparkContext: boom". data() is null for a line
// without such a level.
std::string_view after_level(std::string_view line, std::string_view level) {
  constexpr size_t kLongestStamp = 40;
  const size_t at = line.substr(0, kLongestStamp + level.size()).find(level);
  if (at == std::string_view::npos) return {};
  const size_t end = at + level.size();
  const bool whole =
      (at == 0 || !is_word(line[at - 1])) && end < line.size() && !is_word(line[end]);
  // A word in front of it that is no time makes it a word of a sentence.
  const bool stamped = std::none_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at),
                                    [](char c) { return c >= 'g' && c <= 'z'; });
  if (!whole || !stamped) return {};
  std::string_view rest = line.substr(end);
  while (!rest.empty() && (is_blank(rest.front()) || rest.front() == ']' || rest.front() == ':'))
    rest.remove_prefix(1);
  return rest;
}

bool is_progress(std::string_view line) {
  for (const char* level : {"INFO", "DEBUG", "TRACE", "WARN", "WARNING"})
    if (after_level(line, level).data() != nullptr) return true;
  return false;
}

// Frames, and what stands between them.
bool is_of_a_trace(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty() || text.starts_with("at ") || text.starts_with("... ") ||
      text.starts_with("Traceback (most recent call last)") || text.starts_with("File \""))
    return true;
  // Python's code lines and their marks.
  return is_blank(line.front()) || text.find_first_not_of("^~-=*.") == std::string_view::npos;
}

// "java.io.IOException: no such file" of a line that throws one; "" of any other.
std::string_view exception_of(std::string_view line) {
  if (line.empty() || is_blank(line.front())) return {};
  for (const char* level : {"ERROR", "FATAL"})
    if (const std::string_view rest = after_level(line, level); rest.data() != nullptr) line = rest;
  constexpr std::array<std::string_view, 3> kFronts{"Caused by: ", ": ", "Exception in thread "};
  for (const std::string_view front : kFronts) {
    if (!line.starts_with(front)) continue;
    line.remove_prefix(front.size());
    // The thread's name.
    if (line.starts_with('"'))
      if (const size_t end = line.find("\" "); end != std::string_view::npos)
        line.remove_prefix(end + 2);
  }
  const size_t end =
      static_cast<size_t>(std::find_if_not(line.begin(), line.end(), is_word) - line.begin());
  if (end < line.size() && line[end] != ':') return {};
  const std::string_view name = line.substr(0, end);
  constexpr std::array<std::string_view, 6> kBacks{"Error",   "Exception", "Throwable",
                                                   "Failure", "Interrupt", "Exit"};
  const bool throws = std::any_of(kBacks.begin(), kBacks.end(),
                                  [&](std::string_view back) { return name.ends_with(back); });
  return throws ? line : std::string_view();
}

// Whether `whole` says what `cause` says and more, as "IOException: Cannot run program \"R\": no
// such file" does of its cause, "IOException: no such file".
bool says_more(std::string_view whole, std::string_view cause) {
  const size_t colon = cause.find(": ");
  return colon != std::string_view::npos && whole.size() > cause.size() &&
         whole.starts_with(cause.substr(0, colon + 2)) && whole.ends_with(cause.substr(colon));
}

// The last exception, which is the innermost cause: in the fullest words that the log has for it.
std::string_view last_exception(const std::vector<std::string_view>& lines) {
  std::string_view last;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (is_progress(*line)) continue;
    const std::string_view thrown = trimmed(exception_of(*line));
    if (last.empty() || says_more(thrown, last)) last = thrown;
  }
  return last;
}

struct Words {
  std::string_view reason;
  std::string_view words;
};
constexpr std::array kPodEnds{
    Words{"Evicted", "driver was evicted"},
    Words{"EvictionByEvictionAPI", "driver was evicted, as when a node is drained"},
    Words{"PreemptionByScheduler", "driver had to make room for a pod of higher priority"},
    Words{"Preempting", "driver had to make room for a pod of higher priority"},
    Words{"DeletionByTaintManager", "driver was removed from a node that is lost or not ready"},
    Words{"DeletionByPodGC", "the driver's node was lost"},
    Words{"NodeLost", "the driver's node was lost"},
    Words{"Terminated", "the driver's node was shut down"},
    Words{"NodeShutdown", "the driver's node was shut down"},
    Words{"TerminationByKubelet", "the driver's node ended it"},
    Words{"DeadlineExceeded", "driver ran longer than its pod may"},
    Words{"UnexpectedAdmissionError", "the node did not take the driver"},
    Words{"NodeAffinity", "the node did not take the driver: its labels have changed"},
    Words{"InitContainerFailed", ""},  // the message says it
};

}  // namespace

std::string exit_in_words(int64_t code, std::string_view reason) {
  const std::string number = "exit code " + std::to_string(code);
  if (reason == "OOMKilled")
    return "used more memory than its limit and was killed (OOMKilled, " + number + ")";
  if (reason == "ContainerStatusUnknown")
    return "was lost with its node (ContainerStatusUnknown, " + number + ")";
  if (reason == "StartError" || reason == "ContainerCannotRun")
    return "could not start (" + std::string(reason) + ", " + number + ")";
  constexpr std::array<std::pair<int64_t, const char*>, 11> kCodes{{
      {50, "ended with an uncaught exception (exit code 50)"},
      {52, "ran out of Java memory (exit code 52)"},
      {101, "did not find its main class (exit code 101)"},
      {126, "could not start: its command cannot be executed (exit code 126)"},
      {127, "could not start: its command was not found (exit code 127)"},
      {kSignals + 2, "was interrupted (exit code 130, SIGINT)"},
      {kSignals + 6, "aborted (exit code 134, SIGABRT)"},
      {kSignals + 7, "crashed (exit code 135, SIGBUS)"},
      {kSignals + 9, "was killed (exit code 137, SIGKILL)"},
      {kSignals + 11, "crashed (exit code 139, SIGSEGV)"},
      {kSignals + 15, "was stopped (exit code 143, SIGTERM)"},
  }};
  for (const auto& [known, words] : kCodes)
    if (known == code) return words;
  const bool says_more = !reason.empty() && reason != "Error" && reason != "Completed";
  return "failed with " + number + (says_more ? " (" + std::string(reason) + ")" : "");
}

std::string pod_end_in_words(std::string_view reason, std::string_view message) {
  if (reason.empty() && message.empty()) return {};
  std::string words;
  const auto* known = std::find_if(kPodEnds.begin(), kPodEnds.end(),
                                   [&](const Words& one) { return one.reason == reason; });
  if (known != kPodEnds.end())
    words = known->words;
  else if (reason.starts_with("OutOf"))
    words = "the node had no room for the driver (" + std::string(reason) + ")";
  else
    words = "driver pod failed" + (reason.empty() ? "" : " (" + std::string(reason) + ")");
  if (!message.empty()) words += (words.empty() ? "" : ": ") + std::string(message);
  return words;
}

std::string last_words(std::string_view log) {
  const std::string plain = without_escapes(log);
  std::vector<std::string_view> lines = lines_of(plain);
  if (plain.size() >= kCutAt && lines.size() > 1) lines.erase(lines.begin());
  if (const std::string_view thrown = last_exception(lines); !thrown.empty())
    return std::string(thrown);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (is_of_a_trace(*line) || is_progress(*line)) continue;
    for (const char* level : {"ERROR", "FATAL"})
      if (const std::string_view rest = after_level(*line, level); rest.data() != nullptr)
        return std::string(trimmed(rest));
    return std::string(trimmed(*line));
  }
  // Whatever there is.
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    if (!trimmed(*line).empty()) return std::string(trimmed(*line));
  return {};
}

std::string told_with_log(std::string what, const std::string& log) {
  const std::string words = last_words(log);
  if (words.empty()) return what;
  what += ": " + words;
  return trimmed(log) == words ? what : what + "\n" + log;
}

std::string bounded(std::string message) {
  if (message.size() <= kMostOfMessage) return message;
  size_t end = kMostOfMessage;
  while (end > 0 && is_continuation(message[end]))
    --end;
  message.resize(end);
  return message + "…";
}

std::string one_line(std::string_view message) {
  std::string line(message.substr(0, message.find('\n')));
  std::replace_if(line.begin(), line.end(), is_blank, ' ');
  std::replace_if(line.begin(), line.end(), is_control, '?');
  line = std::string(trimmed(line));
  std::vector<size_t> characters;
  for (size_t i = 0; i < line.size(); ++i)
    if (!is_continuation(line[i])) characters.push_back(i);
  if (characters.size() <= kMostCharacters) return line;
  // The mark needs a place, too. One word that long is cut within.
  const size_t most = characters[kMostCharacters - 1];
  const size_t space = line.rfind(' ', most);
  line.resize(space == std::string::npos ? most : space);
  return std::string(trimmed(line)) + "…";
}

}  // namespace runner
