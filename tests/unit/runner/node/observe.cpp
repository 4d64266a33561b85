#include "tests/unit/runner/node/observe.h"

#include "base/files.h"
#include "base/json.h"
#include "runner/node/processes.h"

namespace tests {

size_t living(const std::string& uid) {
  size_t count = 0;
  for (const auto& stat : runner::node::all_processes())
    if (stat.state != 'Z' && runner::node::marker_of(stat.pid).starts_with(uid + "/")) ++count;
  return count;
}

std::string text_of(const std::filesystem::path& path) {
  return base::read_file(path).value_or("");
}

std::string waiting_message(const nlohmann::json& pod) {
  const nlohmann::json* statuses = base::find(pod, {"status", "containerStatuses"});
  if (statuses == nullptr || statuses->empty()) return {};
  return base::string_at((*statuses)[0], {"state", "waiting", "message"});
}

}  // namespace tests
