#include "kube/store.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {
namespace {

std::vector<std::string> owner_uids(const Json& object) {
  std::vector<std::string> uids;
  for (OwnerReference& owner : owners_of(object))
    if (!owner.uid.empty()) uids.push_back(std::move(owner.uid));
  return uids;
}

std::string label_of(const Json& object, std::string_view label) {
  return base::string_at(object, {"metadata", "labels", label});
}

void forget(std::map<std::string, std::set<ObjectKey>>& index, const std::string& value,
            const ObjectKey& key) {
  const auto found = index.find(value);
  if (found == index.end()) return;
  found->second.erase(key);
  if (found->second.empty()) index.erase(found);
}

bool has_managed_fields(const Json& object) {
  return base::find(object, {"metadata", "managedFields"}) != nullptr;
}

void drop_managed_fields(Json& object) {
  if (has_managed_fields(object)) object["metadata"].erase("managedFields");
}

bool same_version(const Json& left, const Json& right) {
  const std::string version = resource_version_of(left);
  return !version.empty() && version == resource_version_of(right) && uid_of(left) == uid_of(right);
}

}  // namespace

void Store::slim(Json& object) const {
  drop_managed_fields(object);
  if (trim_) trim_(object);
}

std::vector<StoreDelta> Store::replace(std::vector<Json> items) {
  Contents fresh;
  for (Json& item : items) {
    slim(item);
    ObjectKey key = key_of(item);
    fresh.objects.insert_or_assign(std::move(key), std::make_shared<const Json>(std::move(item)));
  }
  std::vector<StoreDelta> deltas;
  base::MutexLock lock(mutex_);
  for (const auto& [key, object] : contents_.objects) {
    if (!fresh.objects.contains(key)) deltas.push_back({.before = object, .after = nullptr});
  }
  for (auto& [key, object] : fresh.objects) {
    const auto known = contents_.objects.find(key);
    if (known != contents_.objects.end() && same_version(*known->second, *object)) {
      object = known->second;
    } else {
      deltas.push_back(
          {.before = known == contents_.objects.end() ? nullptr : known->second, .after = object});
    }
    index(*object, key, fresh);
  }
  std::swap(contents_, fresh);
  return deltas;
}

StoreDelta Store::apply(Object object) {
  if (trim_ || has_managed_fields(*object)) {
    Json less = *object;
    slim(less);
    object = std::make_shared<const Json>(std::move(less));
  }
  base::MutexLock lock(mutex_);
  return put(std::move(object));
}

StoreDelta Store::remove(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  return take(key);
}

StoreDelta Store::put(Object object) {
  const ObjectKey key = key_of(*object);
  StoreDelta delta = take(key);
  index(*object, key, contents_);
  delta.after = object;
  contents_.objects.emplace(key, std::move(object));
  return delta;
}

StoreDelta Store::take(const ObjectKey& key) {
  const auto found = contents_.objects.find(key);
  if (found == contents_.objects.end()) return {};
  StoreDelta delta{.before = std::move(found->second), .after = nullptr};
  unindex(*delta.before, key);
  contents_.objects.erase(found);
  return delta;
}

void Store::index(const Json& object, const ObjectKey& key, Contents& contents) const {
  for (const std::string& uid : owner_uids(object))
    contents.by_owner[uid].insert(key);
  if (indexed_label_.empty()) return;
  if (const std::string value = label_of(object, indexed_label_); !value.empty())
    contents.by_label[value].insert(key);
}

void Store::unindex(const Json& object, const ObjectKey& key) {
  for (const std::string& uid : owner_uids(object))
    forget(contents_.by_owner, uid, key);
  if (!indexed_label_.empty()) forget(contents_.by_label, label_of(object, indexed_label_), key);
}

Store::Object Store::get(const ObjectKey& key) const {
  base::MutexLock lock(mutex_);
  const auto found = contents_.objects.find(key);
  return found == contents_.objects.end() ? nullptr : found->second;
}

std::vector<Store::Object> Store::owned_by(const std::string& uid) const {
  std::vector<Object> owned;
  base::MutexLock lock(mutex_);
  if (const auto found = contents_.by_owner.find(uid); found != contents_.by_owner.end()) {
    owned.reserve(found->second.size());
    for (const ObjectKey& key : found->second)
      owned.push_back(contents_.objects.at(key));
  }
  return owned;
}

std::vector<Store::Object> Store::labelled(const std::string& ns, std::string_view label,
                                           std::string_view value) const {
  std::vector<Object> found;
  if (label != indexed_label_) {
    for (Object& object : list(ns))
      if (label_of(*object, label) == value) found.push_back(std::move(object));
    return found;
  }
  base::MutexLock lock(mutex_);
  const auto keys = contents_.by_label.find(std::string(value));
  if (keys == contents_.by_label.end()) return found;
  for (const ObjectKey& key : keys->second)
    if (ns.empty() || key.ns == ns) found.push_back(contents_.objects.at(key));
  return found;
}

std::vector<Store::Object> Store::list(const std::string& ns) const {
  std::vector<Object> all;
  base::MutexLock lock(mutex_);
  if (ns.empty()) all.reserve(contents_.objects.size());
  auto entry = ns.empty() ? contents_.objects.begin() : contents_.objects.lower_bound({ns, ""});
  for (; entry != contents_.objects.end() && (ns.empty() || entry->first.ns == ns); ++entry)
    all.push_back(entry->second);
  return all;
}

size_t Store::size() const {
  base::MutexLock lock(mutex_);
  return contents_.objects.size();
}

}  // namespace kube
