#include "tools/sparkcron/log_sources.h"

#include "runner/log_reader.h"

namespace sparkcron {

void NodeLogs::serve(const runner::node::PodLogs& node, monitor::LogArchive& archive) {
  base::MutexLock lock(mutex_);
  node_ = &node;
  archive_ = &archive;
}

base::Result<std::unique_ptr<kube::LogReader>> NodeLogs::open(const kube::ObjectKey& pod,
                                                              const std::string& uid,
                                                              const kube::LogOptions& options) {
  const runner::node::PodLogs* node = nullptr;
  monitor::LogArchive* archive = nullptr;
  {
    base::MutexLock lock(mutex_);
    node = node_;
    archive = archive_;
  }
  if (node == nullptr)
    return base::failure(base::Code::Unavailable, "the node has not started yet");
  const auto locate = [node, pod,
                       container = options.container]() -> base::Result<runner::LogFiles> {
    ASSIGN_OR_RETURN(const runner::node::ContainerLog log, node->find(pod.ns, pod.name, container));
    return runner::LogFiles{.paths = log.files, .finished = log.finished};
  };
  auto reader = runner::read_log_files(locate, options, clock_);
  if (reader || reader.error().code != base::Code::NotFound) return reader;
  return archive->open(pod, uid, options);
}

}  // namespace sparkcron
