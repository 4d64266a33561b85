#include "runner/node/pod_record.h"

#include "base/json.h"
#include "base/log.h"
#include "kube/api.h"
#include "runner/node/files.h"

namespace runner::node {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

}  // namespace

base::Status write_record(const PodFiles& files, const PodRecord& record) {
  return write_durably(
      files.pod(),
      base::dump_json({{"address", record.address},
                       {"startMillis", record.start_time.time_since_epoch().count()},
                       {"pod", record.pod}}),
      0600);
}

base::Result<PodRecord> read_record(const PodFiles& files) {
  ASSIGN_OR_RETURN(const std::string text, read_file(files.pod()));
  ASSIGN_OR_RETURN(Json document, base::parse_json(text));
  PodRecord record{.address = base::string_at(document, {"address"}),
                   .start_time = base::WallTime(std::chrono::milliseconds(
                       base::integer_at(document, {"startMillis"}).value_or(0)))};
  if (document.contains("pod")) record.pod = std::move(document["pod"]);
  record.key = kube::key_of(record.pod);
  record.uid = kube::uid_of(record.pod);
  if (record.uid.empty() || record.address.empty())
    return base::failure(base::Code::InvalidArgument,
                         files.pod().string() + ": not a pod's record");
  return record;
}

std::vector<PodRecord> read_records(const fs::path& pods_folder) {
  std::vector<PodRecord> records;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(pods_folder, problem)) {
    auto record = read_record({.folder = entry.path()});
    if (record) {
      records.push_back(std::move(*record));
      continue;
    }
    if (record.error().code != base::Code::NotFound)
      base::log_warning("runner/node", "Removed a pod folder that cannot be read",
                        {{"folder", entry.path().string()}, {"error", record.error().message}});
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
  return records;
}

}  // namespace runner::node
