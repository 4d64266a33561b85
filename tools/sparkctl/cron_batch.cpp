#include <charconv>
#include <istream>
#include <ostream>
#include <sstream>
#include <vector>

#include "base/rfc3339.h"
#include "scheduler/quoted.h"
#include "tools/sparkctl/cron_answers.h"

namespace sparkctl {
namespace {

constexpr size_t kMaxCount = 100'000;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == '\t')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

base::Result<size_t> count_of(const std::string& text) {
  size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMaxCount) {
    return base::failure(base::Code::InvalidArgument,
                         "count " + scheduler::quoted(text) + " is not a number from 1 to 100000");
  }
  return count;
}

base::Result<std::string> answer_line(const CronQuestion& defaults, const std::string& line) {
  const std::vector<std::string> parts = split(line);
  if (parts.size() != 5) {
    return base::failure(base::Code::InvalidArgument,
                         "expression, zone, after, dstPolicy and count expected, separated by "
                         "tabs, got " +
                             std::to_string(parts.size()) + " fields");
  }
  CronQuestion question = defaults;
  question.expression = parts[0];
  if (!parts[1].empty()) question.zone = parts[1];
  ASSIGN_OR_RETURN(scheduler::Instant after, instant_of(parts[2]));
  if (!parts[3].empty()) {
    const auto policy = dst_policy_of(parts[3]);
    if (!policy) {
      return base::failure(base::Code::InvalidArgument, "dstPolicy " + scheduler::quoted(parts[3]) +
                                                            " is not Vixie, Kubernetes or Once");
    }
    question.dst_policy = *policy;
  }
  ASSIGN_OR_RETURN(const size_t count, count_of(parts[4]));
  ASSIGN_OR_RETURN(const scheduler::Schedule schedule,
                   scheduler::Schedule::parse(question.expression, question.options()));
  std::string result;
  for (size_t i = 0; i < count; ++i) {
    const auto slot = schedule.next(after);
    if (i > 0) result += ';';
    result += slot ? base::format_rfc3339(*slot) : "NEVER";
    if (!slot) break;
    after = *slot;
  }
  return result;
}

}  // namespace

int answer_batch(const CronQuestion& defaults, const CronContext& context) {
  for (std::string line; std::getline(context.in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const base::Result<std::string> answer = answer_line(defaults, line);
    // At once: whoever asks may wait for this answer before asking on.
    context.out << (answer ? *answer : "INVALID: " + answer.error().message) << std::endl;
  }
  return 0;
}

}  // namespace sparkctl
