#include "runner/node/pod_record.h"

#include <cerrno>

#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "kube/api.h"

namespace runner::node {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

}  // namespace

base::Status write_record(const PodFiles& files, const PodRecord& record) {
  return base::write_durably(
      files.pod(),
      base::dump_json({{"address", record.address},
                       {"startMillis", record.start_time.time_since_epoch().count()},
                       {"pod", record.pod}}),
      0600);
}

base::Result<PodRecord> read_record(const PodFiles& files) {
  ASSIGN_OR_RETURN(const std::string text, base::read_own_file(files.pod()));
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

base::Result<FoundPods> read_records(const fs::path& pods_folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, base::list_folder(pods_folder));
  FoundPods found;
  for (const std::string& name : names) {
    const PodFiles files{.folder = pods_folder / name};
    auto record = read_record(files);
    if (record && record->uid == name) {
      found.records.push_back(std::move(*record));
      continue;
    }
    // A crash between making the folder and writing the record leaves nothing else.
    if (::unlink((files.pod().string() + ".new").c_str()) == 0 || errno == ENOENT)
      if (::rmdir(files.folder.c_str()) == 0) continue;
    found.doubtful[name] =
        record ? "the record is that of pod " + record->uid : record.error().message;
  }
  return found;
}

}  // namespace runner::node
