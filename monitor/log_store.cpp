#include "monitor/log_store.h"

#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "monitor/packed_log.h"

namespace monitor {
namespace {

// Larger than any that is collected.
constexpr size_t kMaxLog = size_t{64} << 20;

// A text that is there at once.
class TextReader final : public kube::LogReader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  base::Result<std::optional<std::string>> read() override {
    return std::exchange(text_, std::nullopt);
  }
  void cancel() override {}

 private:
  std::optional<std::string> text_;
};

constexpr std::string_view kSuffixes[] = {".log.gz", ".log"};
constexpr std::string_view kAttempt = ".attempt-";
// Of attempts that a text names.
constexpr size_t kMaxNamed = 10;

// From 1 on; 0 = it is no such number.
int64_t parse_attempt(std::string_view text) {
  int64_t attempt = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), attempt);
  return error == std::errc{} && end == text.data() + text.size() && attempt > 0 ? attempt : 0;
}

// "attempt 2", "attempts 2, 3 and 5": the last ones, if there are many.
std::string to_text(const std::set<int64_t>& attempts) {
  std::string text = attempts.size() == 1 ? "attempt " : "attempts ";
  size_t left = attempts.size();
  for (const int64_t attempt : attempts) {
    --left;
    if (left >= kMaxNamed) continue;
    text += std::to_string(attempt) + (left == 0 ? "" : left == 1 ? " and " : ", ");
  }
  return text;
}

base::Error not_kept(const WantedLog& wanted, const std::set<int64_t>& kept,
                     const std::string& where) {
  const std::string run = "run " + wanted.run.to_string();
  if (wanted.attempt == 0)
    return {.code = base::Code::NotFound, .message = "no log of " + run + " is kept" + where};
  return {.code = base::Code::NotFound,
          .message = "no log of attempt " + std::to_string(wanted.attempt) + " of " + run +
                     " is kept" + where + (kept.empty() ? "" : ", but of " + to_text(kept))};
}

}  // namespace

int64_t attempt_of(const nlohmann::json& pod) {
  return parse_attempt(
      base::string_at(pod, {"metadata", "annotations", config::kAttemptAnnotation}));
}

std::string log_file_name(const std::string& container, int64_t attempt) {
  const std::string middle = attempt > 0 ? std::string(kAttempt) + std::to_string(attempt) : "";
  return container + middle + std::string(kSuffixes[0]);
}

// A container's name has no dot.
std::optional<LogFileName> parse_log_file_name(const std::string& name) {
  for (const std::string_view suffix : kSuffixes) {
    if (!name.ends_with(suffix)) continue;
    std::string container = name.substr(0, name.size() - suffix.size());
    const size_t middle = container.rfind(kAttempt);
    int64_t attempt = 0;
    if (middle != std::string::npos)
      attempt = parse_attempt(std::string_view(container).substr(middle + kAttempt.size()));
    if (attempt > 0) container.resize(middle);
    if (container.empty()) return std::nullopt;
    return LogFileName{.container = std::move(container), .attempt = attempt};
  }
  return std::nullopt;
}

// The same attempt may be there twice: its submission was tried again, or an edit has begun the run
// anew. The newest is meant then.
base::Result<size_t> choose_log(const WantedLog& wanted, const std::vector<FoundLog>& oldest_first,
                                const std::string& where) {
  std::optional<size_t> chosen;
  std::set<int64_t> kept;
  for (size_t i = oldest_first.size(); i-- > 0;) {
    const FoundLog& log = oldest_first[i];
    // Who had the name before is another run.
    if (log.run_uid != oldest_first.back().run_uid) continue;
    if (!wanted.container.empty() && log.file.container != wanted.container) continue;
    if (log.file.attempt > 0) kept.insert(log.file.attempt);
    const bool meant = wanted.attempt == 0 || log.file.attempt == wanted.attempt;
    if (meant && !chosen) chosen = i;
  }
  if (!chosen) return base::failure(not_kept(wanted, kept, where));
  return *chosen;
}

base::Result<std::unique_ptr<kube::LogReader>> open_packed(const std::string& packed,
                                                           const kube::LogOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, unpack(packed, kMaxLog));
  return std::make_unique<TextReader>(choose_lines(text, options));
}

base::Result<std::unique_ptr<kube::LogReader>> open_kept(LogStore& first, LogStore* second,
                                                         const WantedLog& wanted,
                                                         const kube::LogOptions& options) {
  auto packed = first.get(wanted);
  if (!packed && second != nullptr) {
    if (auto other = second->get(wanted)) packed = std::move(other);
  }
  if (!packed) return base::failure(packed.error());
  return open_packed(*packed, options);
}

}  // namespace monitor
