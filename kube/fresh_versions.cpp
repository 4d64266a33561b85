#include "kube/fresh_versions.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/log.h"
#include "kube/object.h"

namespace kube {
namespace {

constexpr std::chrono::seconds kWindow{1};
// Nobody may ask for what is older, so that a namespace without schedules is forgotten.
constexpr std::chrono::seconds kKept{60};

}  // namespace

FreshVersions::FreshVersions(Api& api, const Cache& cache, base::Clock& clock, ResourceType type,
                             Scope scope, FreshVersionsOptions options)
    : api_(api),
      cache_(cache),
      clock_(clock),
      type_(std::move(type)),
      scope_(scope),
      options_(std::move(options)) {}

bool FreshVersions::has(const ObjectKey& key, const std::string& version, base::SteadyTime since) {
  const std::string listed = scope_ == Scope::All ? std::string() : key.ns;
  if (shows(listed, key, version, since)) return true;
  if (ask_in_vain(listed, since))
    list(listed);
  else if (!await_list(listed, since))
    return false;
  return shows(listed, key, version, since);
}

// A GET now is one more that the list makes needless, and slows it.
bool FreshVersions::await_list(const std::string& listed, base::SteadyTime since) {
  base::MutexLock lock(mutex_);
  while (true) {
    const auto shared = shared_.find(listed);
    if (shared == shared_.end()) return false;
    const auto& [key, list] = *shared;
    if (!list.listing) return list.begun && *list.begun >= since;
    const base::SteadyTime until = *list.listing + options_.patience;
    if (*list.listing < since || clock_.steady_now() >= until) return false;
    clock_.wait_until(lock, ended_, until);
  }
}

size_t FreshVersions::remembers() const {
  base::MutexLock lock(mutex_);
  return shared_.size();
}

bool FreshVersions::shows(const std::string& listed, const ObjectKey& key,
                          const std::string& version, base::SteadyTime since) {
  base::MutexLock lock(mutex_);
  const auto shared = shared_.find(listed);
  if (shared == shared_.end() || !shared->second.begun || *shared->second.begun < since)
    return false;
  const auto found = shared->second.versions.find(key);
  return found != shared->second.versions.end() && found->second == version;
}

bool FreshVersions::ask_in_vain(const std::string& listed, base::SteadyTime since) {
  const base::SteadyTime now = clock_.steady_now();
  // Both are asked without the lock; the second costs a look at every key.
  size_t waiting = options_.waiting ? options_.waiting(listed) : 0;
  size_t enough = 0;
  {
    base::MutexLock lock(mutex_);
    forget_old(now);
    Shared& shared = shared_[listed];
    if (shared.in_vain == 0 || now - shared.counted_from > kWindow) {
      shared.counted_from = now;
      shared.in_vain = 0;
      shared.enough = 0;
      shared.failed = false;
    }
    ++shared.in_vain;
    // Who waits may have been served by that list already, and waits for something else.
    if (shared.begun && now - *shared.begun <= kWindow) waiting = 0;
    if (is_no_use(shared, since) || shared.in_vain + waiting <= options_.few) return false;
    enough = shared.enough;
  }
  // How many there are is asked once in a window, and only when many ask.
  if (enough == 0) enough = options_.few + 1 + cache_.keys(type_, listed).size() / kObjectsPerGet;
  base::MutexLock lock(mutex_);
  Shared& shared = shared_[listed];
  shared.enough = enough;
  // Another may have listed meanwhile.
  if (is_no_use(shared, since) || shared.in_vain + waiting < enough) return false;
  shared.listing = clock_.steady_now();
  return true;
}

bool FreshVersions::is_no_use(const Shared& shared, base::SteadyTime since) {
  return shared.failed || shared.listing || (shared.begun && *shared.begun >= since);
}

void FreshVersions::list(const std::string& listed) {
  std::map<ObjectKey, std::string> versions;
  // What is read is not older than this.
  const base::SteadyTime begun = clock_.steady_now();
  const base::Status read = base::guarded("list versions", [&]() -> base::Status {
    ASSIGN_OR_RETURN(const ObjectList found,
                     api_.list(type_, {.ns = listed, .content = ListOptions::Content::Versions}));
    for (const Json& object : found.items)
      versions.emplace(key_of(object), resource_version_of(object));
    return {};
  });
  {
    // Whatever came of it, the next may list again.
    base::MutexLock lock(mutex_);
    Shared& shared = shared_[listed];
    shared.listing.reset();
    ended_.notify_all();
    shared.failed = !read;
    if (read) {
      shared.begun = begun;
      shared.versions = std::move(versions);
      shared.in_vain = 0;
    }
  }
  if (!read)
    base::log_warning("kube", "Objects are asked for one by one",
                      {{"type", type_.plural}, {"error", read.error().message}});
}

void FreshVersions::forget_old(base::SteadyTime now) {
  std::erase_if(shared_, [&](const auto& one) {
    const Shared& shared = one.second;
    return !shared.listing && now - shared.counted_from > kKept &&
           (!shared.begun || now - *shared.begun > kKept);
  });
}

}  // namespace kube
