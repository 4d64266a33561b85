#include "kube/failures.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"

namespace kube {
namespace {

constexpr size_t kMaxMessage = 1024;

}  // namespace

int Failures::failed(const ObjectKey& key, const base::Error& error) {
  base::MutexLock lock(mutex_);
  auto [entry, fresh] = failures_.try_emplace(key);
  Failure& failure = entry->second;
  if (fresh) {
    failure.key = key;
    failure.since = clock_.steady_now();
  }
  failure.error = {.code = error.code, .message = base::cut_text(error.message, kMaxMessage)};
  if (failure.count < std::numeric_limits<int>::max()) ++failure.count;
  return failure.count;
}

std::optional<Failure> Failures::succeeded(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  const auto found = failures_.find(key);
  if (found == failures_.end()) return std::nullopt;
  Failure ended = std::move(found->second);
  failures_.erase(found);
  return ended;
}

size_t Failures::size() const {
  base::MutexLock lock(mutex_);
  return failures_.size();
}

size_t Failures::lasting(std::chrono::milliseconds least) const {
  const base::SteadyTime latest = clock_.steady_now() - least;
  base::MutexLock lock(mutex_);
  return static_cast<size_t>(
      std::count_if(failures_.begin(), failures_.end(),
                    [&](const auto& entry) { return entry.second.since <= latest; }));
}

std::vector<Failure> Failures::oldest(size_t most) const {
  std::vector<Failure> all;
  {
    base::MutexLock lock(mutex_);
    all.reserve(failures_.size());
    for (const auto& [key, failure] : failures_)
      all.push_back(failure);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Failure& a, const Failure& b) { return a.since < b.since; });
  if (all.size() > most) all.resize(most);
  return all;
}

}  // namespace kube
