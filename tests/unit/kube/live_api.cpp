#include "tests/unit/kube/live_api.h"

#include <utility>

namespace tests {

using base::Code;
using kube::Json;
using kube::ObjectKey;

class LiveWatch final : public kube::Watch {
 public:
  LiveWatch(LiveApi& api, uint64_t from, int ended) : api_(api), seen_(from), ended_(ended) {}

  base::Result<std::optional<kube::WatchEvent>> next() override {
    base::MutexLock lock(api_.mutex_);
    while (true) {
      if (cancelled_) return base::failure(Code::Cancelled, "cancelled");
      for (const LiveApi::Entry& entry : api_.log_) {
        if (entry.revision <= seen_) continue;
        seen_ = entry.revision;
        return entry.event;
      }
      if (api_.watches_ended_ != ended_) {
        if (api_.watch_end_) return base::failure(*api_.watch_end_);
        return std::nullopt;
      }
      api_.changed_.wait(lock);
    }
  }
  void cancel() override {
    base::MutexLock lock(api_.mutex_);
    cancelled_ = true;
    api_.changed_.notify_all();
  }

 private:
  LiveApi& api_;
  uint64_t seen_;
  const int ended_;
  bool cancelled_ = false;  // guarded by the api's mutex
};

std::optional<base::Error> LiveApi::called(const std::string& verb) {
  ++calls_[verb];
  changed_.notify_all();
  auto& faults = faults_[verb];
  if (faults.empty()) return std::nullopt;
  base::Error error = faults.front();
  faults.pop_front();
  return error;
}

Json LiveApi::write(kube::WatchEvent::Type type, Json object) {
  ++revision_;
  object["metadata"]["resourceVersion"] = std::to_string(revision_);
  if (type == kube::WatchEvent::Type::Deleted) {
    objects_.erase(kube::key_of(object));
  } else {
    objects_[kube::key_of(object)] = object;
  }
  log_.push_back({revision_, {type, std::make_shared<const Json>(object)}});
  changed_.notify_all();
  return object;
}

base::Result<Json> LiveApi::get(const kube::ResourceType& type, const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  if (auto error = called("get")) return base::failure(*error);
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    return base::failure(Code::NotFound, type.plural + " \"" + key.name + "\" not found");
  }
  return found->second;
}

base::Result<kube::ObjectList> LiveApi::list(const kube::ResourceType&, const kube::ListOptions&) {
  base::MutexLock lock(mutex_);
  if (auto error = called("list")) return base::failure(*error);
  kube::ObjectList list;
  list.resource_version = std::to_string(revision_);
  for (const auto& [key, object] : objects_)
    list.items.push_back(object);
  list.unreadable = unreadable_;
  return list;
}

void LiveApi::make_unreadable(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  objects_.erase(key);
  unreadable_.push_back({.key = key, .reason = "nested too deep"});
  const Json stub = {{"metadata", {{"namespace", key.ns}, {"name", key.name}}}};
  log_.push_back({++revision_,
                  {.type = kube::WatchEvent::Type::Unreadable,
                   .object = std::make_shared<const Json>(stub),
                   .problem = "nested too deep"}});
  changed_.notify_all();
}

base::Result<std::unique_ptr<kube::Watch>> LiveApi::watch(const kube::ResourceType&,
                                                          const kube::ListOptions& options) {
  base::MutexLock lock(mutex_);
  if (auto error = called("watch")) return base::failure(*error);
  const uint64_t from = std::stoull(options.resource_version);
  if (from < compacted_) return base::failure(Code::Gone, "too old resource version");
  return std::make_unique<LiveWatch>(*this, from, watches_ended_);
}

base::Result<Json> LiveApi::create(const kube::ResourceType& type, const Json& object) {
  base::MutexLock lock(mutex_);
  if (auto error = called("create")) return base::failure(*error);
  const ObjectKey key = kube::key_of(object);
  if (objects_.contains(key)) {
    return base::failure(Code::AlreadyExists, type.plural + " \"" + key.name + "\" already exists");
  }
  Json stored = object;
  stored["metadata"].emplace("uid", "uid-" + std::to_string(revision_ + 1));
  return write(kube::WatchEvent::Type::Added, std::move(stored));
}

base::Result<Json> LiveApi::update(const kube::ResourceType& type, const Json& object,
                                   std::string_view) {
  base::MutexLock lock(mutex_);
  if (auto error = called("update")) return base::failure(*error);
  const auto found = objects_.find(kube::key_of(object));
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  const std::string version = kube::resource_version_of(object);
  if (!version.empty() && version != kube::resource_version_of(found->second)) {
    return base::failure(Code::Conflict, "the object has been modified");
  }
  return write(kube::WatchEvent::Type::Modified, object);
}

base::Result<Json> LiveApi::patch(const kube::ResourceType& type, const ObjectKey& key,
                                  kube::PatchType, const Json& patch, const kube::PatchOptions&) {
  base::MutexLock lock(mutex_);
  if (auto error = called("patch")) return base::failure(*error);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  Json next = found->second;
  next.merge_patch(patch);
  return write(kube::WatchEvent::Type::Modified, std::move(next));
}

base::Status LiveApi::remove(const kube::ResourceType& type, const ObjectKey& key,
                             const kube::DeleteOptions&) {
  base::MutexLock lock(mutex_);
  if (auto error = called("delete")) return base::failure(*error);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  write(kube::WatchEvent::Type::Deleted, found->second);
  return {};
}

void LiveApi::fail(const std::string& verb, base::Error error) {
  base::MutexLock lock(mutex_);
  faults_[verb].push_back(std::move(error));
}

void LiveApi::end_watches(std::optional<base::Error> error) {
  base::MutexLock lock(mutex_);
  watch_end_ = std::move(error);
  ++watches_ended_;
  changed_.notify_all();
}

void LiveApi::compact() {
  base::MutexLock lock(mutex_);
  compacted_ = revision_;
  log_.clear();
}

int LiveApi::calls(const std::string& verb) const {
  base::MutexLock lock(mutex_);
  const auto found = calls_.find(verb);
  return found == calls_.end() ? 0 : found->second;
}

void LiveApi::await_calls(const std::string& verb, int count) {
  base::MutexLock lock(mutex_);
  while (calls_[verb] < count)
    changed_.wait(lock);
}

std::vector<Json> LiveApi::all() const {
  base::MutexLock lock(mutex_);
  std::vector<Json> objects;
  for (const auto& [key, object] : objects_)
    objects.push_back(object);
  return objects;
}

}  // namespace tests
