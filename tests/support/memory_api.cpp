#include "tests/support/memory_api.h"

#include <algorithm>
#include <random>

#include "base/json.h"
#include "base/rfc3339.h"
#include "tests/support/await.h"

namespace tests {

using base::Code;
using kube::Json;
using kube::ObjectKey;
using kube::ResourceType;

namespace {

// "a=b,c": of these two forms only.
bool has_labels(const Json& object, const std::string& selector) {
  for (size_t begin = 0; begin < selector.size();) {
    const size_t end = std::min(selector.find(',', begin), selector.size());
    const std::string term = selector.substr(begin, end - begin);
    begin = end + 1;
    const size_t equals = term.find('=');
    const std::string name = term.substr(0, equals);
    const Json* label = base::find(object, {"metadata", "labels", name});
    if (label == nullptr) return false;
    if (equals != std::string::npos && *label != term.substr(equals + 1)) return false;
  }
  return true;
}

}  // namespace

class MemoryWatch final : public kube::Watch {
 public:
  MemoryWatch(MemoryApi& api, std::string plural, kube::ListOptions scope, uint64_t from, int ended)
      : api_(api),
        plural_(std::move(plural)),
        scope_(std::move(scope)),
        seen_(from),
        ended_(ended) {}

  base::Result<std::optional<kube::WatchEvent>> next() override {
    base::MutexLock lock(api_.mutex_);
    while (!cancelled_) {
      for (const MemoryApi::Entry& entry : api_.log_) {
        if (entry.revision <= seen_) continue;
        seen_ = entry.revision;
        if (entry.plural != plural_) continue;
        if (!scope_.ns.empty() && entry.event.object.key().ns != scope_.ns) continue;
        if (has_labels(*entry.event.object.object(), scope_.label_selector)) return entry.event;
        // Whether it had them before is not known: whoever has not seen it loses nothing.
        return kube::WatchEvent{kube::WatchEvent::Type::Deleted, entry.event.object, {}};
      }
      if (api_.watches_ended_ != ended_) {
        if (api_.watch_end_) return base::failure(*api_.watch_end_);
        return std::nullopt;
      }
      api_.changed_.wait(lock);
    }
    return base::failure(Code::Cancelled, "cancelled");
  }
  void cancel() override {
    base::MutexLock lock(api_.mutex_);
    cancelled_ = true;
    api_.changed_.notify_all();
  }

 private:
  MemoryApi& api_;
  const std::string plural_;
  const kube::ListOptions scope_;
  uint64_t seen_;
  const int ended_;
  bool cancelled_ = false;  // guarded by the api's mutex
};

std::optional<base::Error> MemoryApi::called(const std::string& verb) {
  ++calls_[verb];
  changed_.notify_all();
  if (failure_) return failure_;
  auto& faults = faults_[verb];
  if (faults.empty()) return std::nullopt;
  base::Error error = std::move(faults.front());
  faults.pop_front();
  return error;
}

Json MemoryApi::write(kube::WatchEvent::Type type, const std::string& plural, Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++revision_);
  const Key key{plural, kube::key_of(object)};
  if (type == kube::WatchEvent::Type::Deleted) {
    objects_.erase(key);
  } else {
    objects_[key] = object;
  }
  Json told = object;
  told["metadata"].erase("managedFields");
  log_.push_back({revision_,
                  plural,
                  {type, kube::PackedObject(std::make_shared<const Json>(std::move(told))), {}}});
  changed_.notify_all();
  return object;
}

void MemoryApi::erase(const Key& key) {
  const std::string uid = kube::uid_of(objects_[key]);
  write(kube::WatchEvent::Type::Deleted, key.first, objects_[key]);
  // What it owned goes too; pods among it by their own rules.
  std::vector<Key> owned;
  for (const auto& [other, object] : objects_) {
    const Json* owners = base::find(object, {"metadata", "ownerReferences"});
    if (owners == nullptr) continue;
    for (const Json& owner : *owners)
      if (base::string_at(owner, {"uid"}) == uid) owned.push_back(other);
  }
  for (const Key& other : owned)
    if (objects_.contains(other)) erase(other);
}

MemoryApi::MemoryApi(base::Clock& clock)
    : clock_(clock),
      uid_prefix_("uid-" + std::to_string(std::random_device()()) + "-" +
                  std::to_string(std::random_device()()) + "-") {}

base::Result<Json> MemoryApi::get(const ResourceType& type, const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  if (auto error = called("get")) return base::failure(*error);
  const auto found = objects_.find({type.plural, key});
  if (found == objects_.end())
    return base::failure(Code::NotFound, type.plural + " \"" + key.name + "\" not found");
  return found->second;
}

base::Result<kube::ObjectList> MemoryApi::list(const ResourceType& type,
                                               const kube::ListOptions& options) {
  base::MutexLock lock(mutex_);
  if (auto error = called("list")) return base::failure(*error);
  kube::ObjectList list{.items = {}, .resource_version = std::to_string(revision_)};
  for (const auto& [key, object] : objects_)
    if (key.first == type.plural && (options.ns.empty() || key.second.ns == options.ns) &&
        has_labels(object, options.label_selector))
      list.items.push_back(object);
  if (const auto found = unreadable_.find(type.plural); found != unreadable_.end())
    list.unreadable = found->second;
  return list;
}

base::Result<std::unique_ptr<kube::Watch>> MemoryApi::watch(const ResourceType& type,
                                                            const kube::ListOptions& options) {
  base::MutexLock lock(mutex_);
  // A server that does not stream lists.
  if (options.resource_version.empty())
    return base::failure(Code::InvalidArgument, "sendInitialEvents: Forbidden");
  if (auto error = called("watch")) return base::failure(*error);
  const uint64_t from = std::stoull(options.resource_version);
  if (from < compacted_) return base::failure(Code::Gone, "too old resource version");
  return std::make_unique<MemoryWatch>(*this, type.plural, options, from, watches_ended_);
}

base::Result<Json> MemoryApi::bind(const Json& binding) {
  const auto found = objects_.find({"pods", kube::key_of(binding)});
  if (found == objects_.end()) return base::failure(Code::NotFound, "pods not found");
  Json pod = found->second;
  if (!base::string_at(pod, {"spec", "nodeName"}).empty())
    return base::failure(Code::Conflict, "the pod is already assigned to a node");
  pod["spec"]["nodeName"] = base::string_at(binding, {"target", "name"});
  return write(kube::WatchEvent::Type::Modified, "pods", std::move(pod));
}

base::Result<Json> MemoryApi::create(const ResourceType& type, const Json& object) {
  if (on_create) on_create(type);
  base::MutexLock lock(mutex_);
  if (auto error = called("create")) return base::failure(*error);
  if (type.plural.ends_with("/binding")) return bind(object);
  const ObjectKey key = kube::key_of(object);
  if (objects_.contains({type.plural, key}))
    return base::failure(Code::AlreadyExists, type.plural + " \"" + key.name + "\" already exists");
  Json stored = object;
  Json& metadata = stored["metadata"];
  metadata["uid"] = uid_prefix_ + type.plural + "-" + std::to_string(revision_ + 1);
  metadata["creationTimestamp"] =
      base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock_.now()));
  return write(kube::WatchEvent::Type::Added, type.plural, std::move(stored));
}

base::Result<Json> MemoryApi::update(const ResourceType& type, const Json& object,
                                     std::string_view) {
  base::MutexLock lock(mutex_);
  if (auto error = called("update")) return base::failure(*error);
  const auto found = objects_.find({type.plural, kube::key_of(object)});
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  const std::string version = kube::resource_version_of(object);
  if (!version.empty() && version != kube::resource_version_of(found->second))
    return base::failure(Code::Conflict, "the object has been modified");
  return write(kube::WatchEvent::Type::Modified, type.plural, object);
}

base::Result<Json> MemoryApi::patch(const ResourceType& type, const ObjectKey& key, kube::PatchType,
                                    const Json& patch, const kube::PatchOptions&) {
  base::MutexLock lock(mutex_);
  if (auto error = called("patch")) return base::failure(*error);
  const auto found = objects_.find({type.plural, key});
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  const std::string uid = base::string_at(patch, {"metadata", "uid"});
  if (!uid.empty() && uid != kube::uid_of(found->second))
    return base::failure(Code::Conflict, "the UID does not match");
  Json next = found->second;
  next.merge_patch(patch);
  if (next == found->second) return next;
  return write(kube::WatchEvent::Type::Modified, type.plural, std::move(next));
}

base::Status MemoryApi::remove(const ResourceType& type, const ObjectKey& key,
                               const kube::DeleteOptions& options) {
  base::MutexLock lock(mutex_);
  if (auto error = called("delete")) return base::failure(*error);
  const Key id{type.plural, key};
  const auto found = objects_.find(id);
  if (found == objects_.end()) return base::failure(Code::NotFound, type.plural + " not found");
  if (!options.uid.empty() && options.uid != kube::uid_of(found->second))
    return base::failure(Code::Conflict, "the UID does not match");
  const std::string phase = base::string_at(found->second, {"status", "phase"});
  const bool waits = type == kube::pods() &&
                     !base::string_at(found->second, {"spec", "nodeName"}).empty() &&
                     options.grace_period.value_or(std::chrono::seconds(30)).count() > 0 &&
                     phase != "Succeeded" && phase != "Failed";
  if (!waits) {
    erase(id);
    return {};
  }
  Json pod = found->second;
  const auto own = base::integer_at(pod, {"spec", "terminationGracePeriodSeconds"}).value_or(30);
  const int64_t grace = options.grace_period ? options.grace_period->count() : own;
  pod["metadata"]["deletionGracePeriodSeconds"] = grace;
  pod["metadata"]["deletionTimestamp"] = base::format_rfc3339(
      std::chrono::floor<std::chrono::seconds>(clock_.now()) + std::chrono::seconds(grace));
  write(kube::WatchEvent::Type::Modified, type.plural, std::move(pod));
  return {};
}

bool MemoryApi::await(const ResourceType& type, const ObjectKey& key,
                      const std::function<bool(const Json*)>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  base::MutexLock lock(mutex_);
  while (true) {
    const auto found = objects_.find({type.plural, key});
    if (condition(found == objects_.end() ? nullptr : &found->second)) return true;
    if (!changed_.wait_until(lock, until) && std::chrono::steady_clock::now() >= until)
      return false;
  }
}

Json MemoryApi::peek(const ResourceType& type, const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  const auto found = objects_.find({type.plural, key});
  return found == objects_.end() ? Json() : found->second;
}

void MemoryApi::fail_all(std::optional<base::Error> error) {
  base::MutexLock lock(mutex_);
  failure_ = std::move(error);
}

void MemoryApi::fail(const std::string& verb, base::Error error) {
  base::MutexLock lock(mutex_);
  faults_[verb].push_back(std::move(error));
}

void MemoryApi::end_watches(std::optional<base::Error> error) {
  base::MutexLock lock(mutex_);
  watch_end_ = std::move(error);
  ++watches_ended_;
  changed_.notify_all();
}

void MemoryApi::make_unreadable(const ResourceType& type, const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  objects_.erase({type.plural, key});
  unreadable_[type.plural].push_back({.key = key, .reason = "nested too deep"});
  const Json stub = {{"metadata", {{"namespace", key.ns}, {"name", key.name}}}};
  log_.push_back({++revision_,
                  type.plural,
                  {.type = kube::WatchEvent::Type::Unreadable,
                   .object = kube::PackedObject(std::make_shared<const Json>(stub)),
                   .problem = "nested too deep"}});
  changed_.notify_all();
}

void MemoryApi::compact() {
  base::MutexLock lock(mutex_);
  compacted_ = revision_;
  log_.clear();
}

int MemoryApi::calls(const std::string& verb) const {
  base::MutexLock lock(mutex_);
  const auto found = calls_.find(verb);
  return found == calls_.end() ? 0 : found->second;
}

void MemoryApi::await_calls(const std::string& verb, int count) {
  base::MutexLock lock(mutex_);
  while (calls_[verb] < count)
    changed_.wait(lock);
}

std::vector<Json> MemoryApi::all() const {
  base::MutexLock lock(mutex_);
  std::vector<Json> objects;
  for (const auto& [key, object] : objects_)
    objects.push_back(object);
  return objects;
}

uint64_t MemoryApi::revision() {
  base::MutexLock lock(mutex_);
  return revision_;
}

void MemoryEvents::record(const Json& regarding, kube::EventType, std::string_view reason,
                          std::string_view, std::string_view note) {
  if (on_record) on_record(regarding);
  base::MutexLock lock(mutex_);
  events_.push_back(std::string(reason) + ": " + std::string(note));
}

std::vector<std::string> MemoryEvents::all() {
  base::MutexLock lock(mutex_);
  return events_;
}

}  // namespace tests
