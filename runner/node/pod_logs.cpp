#include "runner/node/pod_logs.h"

#include <algorithm>

#include "base/files.h"
#include "runner/node/log_reader.h"

namespace runner::node {
namespace {

using base::Code;
using base::failure;

std::string choices(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : " ") + name;
  return "[" + text + "]";
}

}  // namespace

base::Result<ContainerLog> PodLogs::find(const std::string& ns, const std::string& pod,
                                         const std::string& container) const {
  base::MutexLock lock(mutex_);
  const auto found = entries_.find({ns, pod});
  if (found == entries_.end()) return failure(Code::NotFound, "pods \"" + pod + "\" not found");
  const Entry& entry = found->second;
  std::string name = container;
  if (name.empty() && entry.containers.size() > 1)
    return failure(Code::InvalidArgument, "a container name must be specified for pod " + pod +
                                              ", choose one of: " + choices(entry.containers));
  if (name.empty() && !entry.containers.empty()) name = entry.containers.front();
  if (std::find(entry.containers.begin(), entry.containers.end(), name) == entry.containers.end())
    return failure(Code::InvalidArgument, "container " + name + " is not valid for pod " + pod);
  auto log = log_of(entry, name);
  if (!log)
    return failure(Code::Unavailable, "container \"" + name + "\" in pod \"" + pod +
                                          "\" is waiting to start: ContainerCreating");
  return std::move(*log);
}

std::optional<ContainerLog> PodLogs::log_of(const Entry& entry, const std::string& container) {
  const auto finished = entry.finished.find(container);
  if (finished == entry.finished.end()) return std::nullopt;
  const std::filesystem::path log = entry.containers_folder / container / "log";
  const std::filesystem::path older = log.string() + ".1";
  ContainerLog result{.files = {}, .finished = finished->second};
  if (base::path_exists(older)) result.files.push_back(older);
  result.files.push_back(log);
  return result;
}

base::Result<std::unique_ptr<kube::LogReader>> PodLogs::open(const kube::ObjectKey& pod,
                                                             const std::string& uid,
                                                             const kube::LogOptions& options,
                                                             base::Clock& clock) const {
  const auto look = [this, pod, uid,
                     container = options.container]() -> base::Result<ContainerLog> {
    {
      base::MutexLock lock(mutex_);
      const auto found = entries_.find(pod);
      if (found != entries_.end() && !uid.empty() && found->second.uid != uid)
        return failure(Code::NotFound, "pods \"" + pod.name + "\" not found");
    }
    return find(pod.ns, pod.name, container);
  };
  if (options.previous) {
    RETURN_IF_ERROR(look());
    return failure(Code::InvalidArgument, "previous terminated container \"" + options.container +
                                              "\" in pod \"" + pod.name + "\" not found");
  }
  return open_log(look, options, clock);
}

void PodLogs::put(const kube::ObjectKey& pod, Entry entry) {
  base::MutexLock lock(mutex_);
  entries_[pod] = std::move(entry);
}

void PodLogs::remove(const kube::ObjectKey& pod, const std::string& uid) {
  base::MutexLock lock(mutex_);
  // A namesake may have taken the place.
  const auto found = entries_.find(pod);
  if (found != entries_.end() && found->second.uid == uid) entries_.erase(found);
}

}  // namespace runner::node
