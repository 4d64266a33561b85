#include "tools/sparkcron/log_sources.h"

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
  auto reader = node->open(pod, uid, options, clock_);
  if (reader || reader.error().code != base::Code::NotFound) return reader;
  return archive->open(pod, uid, options);
}

}  // namespace sparkcron
