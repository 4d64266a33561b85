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
                             Scope scope, size_t few)
    : api_(api), cache_(cache), clock_(clock), type_(std::move(type)), scope_(scope), few_(few) {}

bool FreshVersions::has(const ObjectKey& key, const std::string& version, base::SteadyTime since) {
  const std::string listed = scope_ == Scope::All ? std::string() : key.ns;
  if (shows(listed, key, version, since)) return true;
  if (!ask_in_vain(listed)) return false;
  list(listed);
  return shows(listed, key, version, since);
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

bool FreshVersions::ask_in_vain(const std::string& listed) {
  const base::SteadyTime now = clock_.steady_now();
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
    if (shared.failed || shared.listing || shared.in_vain <= few_) return false;
    enough = shared.enough;
  }
  // How many there are is asked once in a window, and only when many ask.
  if (enough == 0) enough = few_ + 1 + cache_.list(type_, listed).size() / kObjectsPerGet;
  base::MutexLock lock(mutex_);
  Shared& shared = shared_[listed];
  shared.enough = enough;
  // Another may have listed meanwhile.
  if (shared.failed || shared.listing || shared.in_vain < enough) return false;
  shared.listing = true;
  return true;
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
    shared.listing = false;
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
