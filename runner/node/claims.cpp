#include "runner/node/claims.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/guard.h"
#include "base/log.h"

namespace runner::node {

void Claims::sweep(const std::set<kube::ObjectKey>& used) {
  const base::SteadyTime now = clock_.steady_now();
  if (now < next_) return;
  next_ = now + kEvery;
  const auto names = base::list_folder(folder_);
  if (!names) {
    base::log_warning("runner/node", "The claims' folders cannot be looked through",
                      {{"error", names.error().message}});
    return;
  }
  std::erase_if(gone_since_, [&](const auto& entry) {
    return std::find(names->begin(), names->end(), entry.first) == names->end();
  });
  for (const std::string& name : *names) {
    const auto done = base::guarded("sweep claim " + name, [&] { sweep_one(name, used); });
    if (!done)
      base::log_warning("runner/node", "A claim's folder is kept",
                        {{"error", done.error().message}});
  }
}

void Claims::sweep_one(const std::string& name, const std::set<kube::ObjectKey>& used) {
  // "<namespace>_<name>_<uid>", of which none holds a "_".
  const size_t first = name.find('_');
  const size_t last = name.rfind('_');
  if (first == std::string::npos || first == last) return;
  const kube::ObjectKey key{name.substr(0, first), name.substr(first + 1, last - first - 1)};
  const auto claim = api_.get(kube::persistent_volume_claims(), key);
  // No answer is no proof.
  if (!claim && claim.error().code != base::Code::NotFound) return;
  if (used.contains(key) || (claim && kube::uid_of(*claim) == name.substr(last + 1))) {
    gone_since_.erase(name);
    return;
  }
  const base::SteadyTime now = clock_.steady_now();
  const base::SteadyTime since = gone_since_.try_emplace(name, now).first->second;
  if (now - since < kKept) return;
  base::log_info("runner/node", "Removing the folder of a claim that is gone", {{"claim", name}});
  if (const auto removed = trash_.put(folder_ / name); !removed)
    base::log_warning("runner/node", "A claim's folder was not removed",
                      {{"error", removed.error().message}});
}

}  // namespace runner::node
