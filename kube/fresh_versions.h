#pragma once

// FreshVersions: whether what a cache has of an object is what the API had at a given moment or
// later. Many who ask at about the same time share one list of the versions of a type, where each
// would need a GET: a thousand schedules that are due at one second.
//
// Promises: has() says yes only after a list that was begun at or after `since` and held the object
// in this version. No proves nothing: ask for the object. A list costs an API server about as much
// as one GET for each kObjectsPerGet objects (measured: docs/scale.md; in one process with it
// less), so it is made only where that many and a few more have asked in vain within a second, or
// may be about to where nothing was listed within a second. What a list does not show of the moment
// in question no other list is made for. While one lists, the others wait for that list, as long as
// they are told to. A list that fails is not believed and not tried again within that second. Its
// memory is one version for each object of the last list.
//
// Threads: any.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/reconciler.h"

namespace kube {

struct FreshVersionsOptions {
  size_t few = 16;  // so many may ask in vain at least
  // How many more of a namespace ("" = all) may soon ask; empty: nobody knows.
  std::function<size_t(const std::string& ns)> waiting;
  // So long after another has begun to list, nobody waits for that list any more.
  std::chrono::milliseconds patience{0};
};

class FreshVersions {
 public:
  static constexpr size_t kObjectsPerGet = 60;

  enum class Scope { All, Namespace };  // what is listed: all, or the object's namespace
  // The Api, the cache and the clock must outlive it.
  FreshVersions(Api& api, const Cache& cache, base::Clock& clock, ResourceType type, Scope scope,
                FreshVersionsOptions options = {});

  // `since` as clock.steady_now() counts.
  [[nodiscard]] bool has(const ObjectKey& key, const std::string& version, base::SteadyTime since);
  // Lists that something is remembered of: those that were asked for within a minute.
  [[nodiscard]] size_t remembers() const;

 private:
  // One list, by what was listed: all, or a namespace.
  struct Shared {
    std::optional<base::SteadyTime> begun;  // of the list that `versions` is from
    std::map<ObjectKey, std::string> versions;
    base::SteadyTime counted_from{};
    size_t in_vain = 0;                       // since counted_from
    size_t enough = 0;                        // 0: not known yet
    bool failed = false;                      // a list, since counted_from
    std::optional<base::SteadyTime> listing;  // since when; nullopt: nobody lists
  };
  // Whether this caller is to list.
  bool ask_in_vain(const std::string& listed, base::SteadyTime since) EXCLUDES(mutex_);
  // To list now: it has failed, another does, or there is a list of that moment.
  static bool is_no_use(const Shared& shared, base::SteadyTime since);
  void list(const std::string& listed) EXCLUDES(mutex_);
  // Whether another's list that began at or after `since` is there now.
  bool await_list(const std::string& listed, base::SteadyTime since) EXCLUDES(mutex_);
  [[nodiscard]] bool shows(const std::string& listed, const ObjectKey& key,
                           const std::string& version, base::SteadyTime since) EXCLUDES(mutex_);
  void forget_old(base::SteadyTime now) REQUIRES(mutex_);

  Api& api_;
  const Cache& cache_;
  base::Clock& clock_;
  const ResourceType type_;
  const Scope scope_;
  const FreshVersionsOptions options_;
  mutable base::Mutex mutex_;
  base::CondVar ended_;  // a list
  std::map<std::string, Shared> shared_ GUARDED_BY(mutex_);
};

}  // namespace kube
