#include "monitor/log_keeping_api.h"

#include "config/names.h"

namespace monitor {

base::Status LogKeepingApi::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                                   const kube::DeleteOptions& options) {
  if (type == kube::pods()) logs_.await_pod(key);
  if (type == config::spark_applications()) logs_.await_run(key);
  return kube::ForwardingApi::remove(type, key, options);
}

}  // namespace monitor
