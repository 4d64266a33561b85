#include "monitor/log_store.h"

#include <optional>
#include <utility>

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

}  // namespace

base::Result<std::unique_ptr<kube::LogReader>> open_packed(const std::string& packed,
                                                           const kube::LogOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, unpack(packed, kMaxLog));
  return std::make_unique<TextReader>(choose_lines(text, options));
}

base::Result<std::unique_ptr<kube::LogReader>> open_kept(LogStore& first, LogStore* second,
                                                         const kube::ObjectKey& run,
                                                         const kube::LogOptions& options) {
  auto packed = first.get(run, options.container);
  if (!packed && second != nullptr) {
    if (auto other = second->get(run, options.container)) packed = std::move(other);
  }
  if (!packed) return base::failure(packed.error());
  return open_packed(*packed, options);
}

}  // namespace monitor
