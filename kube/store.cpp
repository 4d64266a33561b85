#include "kube/store.h"

#include <new>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {
namespace {

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

}  // namespace

std::vector<StoreDelta> Store::replace(Objects items) {
  Contents fresh;
  for (auto& [key, object] : items) {
    object.pack();
    index(object, key, fresh);
    fresh.objects.emplace_hint(fresh.objects.end(), key, Kept{std::move(object), {}});
  }
  std::vector<StoreDelta> deltas;
  base::MutexLock lock(mutex_);
  for (const auto& [key, kept] : contents_.objects)
    if (!fresh.objects.contains(key)) deltas.push_back({.before = kept.object, .after = {}});
  for (auto& [key, kept] : fresh.objects) {
    const auto known = contents_.objects.find(key);
    const bool is_known = known != contents_.objects.end();
    if (is_known && !kept.object.version().empty() &&
        known->second.object.version() == kept.object.version())
      continue;
    deltas.push_back(
        {.before = is_known ? known->second.object : PackedObject(), .after = kept.object});
  }
  std::swap(contents_, fresh);
  return deltas;
}

StoreDelta Store::apply(Object object) {
  const ObjectKey key = key_of(*object);
  PackedObject packed(std::move(object));
  base::MutexLock lock(mutex_);
  StoreDelta delta = take(key);
  index(packed, key, contents_);
  delta.after = packed;
  const auto placed = contents_.objects.emplace(key, Kept{std::move(packed), {}}).first;
  touch(key, placed->second);
  return delta;
}

StoreDelta Store::remove(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  return take(key);
}

StoreDelta Store::take(const ObjectKey& key) {
  const auto found = contents_.objects.find(key);
  if (found == contents_.objects.end()) return {};
  unindex(found->second.object, key);
  if (found->second.recent) contents_.recent.erase(*found->second.recent);
  StoreDelta delta{.before = std::move(found->second.object), .after = {}};
  contents_.objects.erase(found);
  return delta;
}

void Store::index(const PackedObject& object, const ObjectKey& key, Contents& contents) const {
  for (const std::string& uid : object.owners())
    contents.by_owner[uid].insert(key);
  if (indexed_label_.empty()) return;
  if (const std::string value = label_of(*object.object(), indexed_label_); !value.empty())
    contents.by_label[value].insert(key);
}

void Store::unindex(const PackedObject& object, const ObjectKey& key) {
  for (const std::string& uid : object.owners())
    forget(contents_.by_owner, uid, key);
  if (!indexed_label_.empty())
    forget(contents_.by_label, label_of(*object.object(), indexed_label_), key);
}

// It was asked for, and is a tree; who was not asked for longest makes room. Without memory for a
// text one more stays a tree, until the next is asked for: no change is lost for that.
void Store::touch(const ObjectKey& key, Kept& kept) const {
  if (kept.recent) {
    contents_.recent.splice(contents_.recent.begin(), contents_.recent, *kept.recent);
    return;
  }
  try {
    contents_.recent.push_front(key);
    kept.recent = contents_.recent.begin();
    while (contents_.recent.size() > most_trees_) {
      Kept& oldest = contents_.objects.at(contents_.recent.back());
      oldest.object.pack();
      oldest.recent.reset();
      contents_.recent.pop_back();
    }
  } catch (const std::bad_alloc&) {
    return;
  }
}

Store::Object Store::get(const ObjectKey& key) const {
  PackedObject packed;
  {
    base::MutexLock lock(mutex_);
    const auto found = contents_.objects.find(key);
    if (found == contents_.objects.end()) return nullptr;
    packed = found->second.object;
    if (packed.has_tree()) touch(key, found->second);
  }
  Object object = packed.object();
  if (packed.has_tree()) return object;
  base::MutexLock lock(mutex_);
  // What came meanwhile is newer, and another reader's tree as good.
  const auto found = contents_.objects.find(key);
  if (found == contents_.objects.end() || found->second.object.has_tree() ||
      found->second.object.version() != packed.version())
    return object;
  found->second.object.unpack(object);
  touch(key, found->second);
  return object;
}

std::vector<Store::Object> Store::get_all(const std::vector<ObjectKey>& keys) const {
  std::vector<Object> found;
  found.reserve(keys.size());
  for (const ObjectKey& key : keys)
    if (Object object = get(key)) found.push_back(std::move(object));
  return found;
}

std::vector<Store::Object> Store::owned_by(const std::string& uid) const {
  std::vector<ObjectKey> keys;
  {
    base::MutexLock lock(mutex_);
    if (const auto found = contents_.by_owner.find(uid); found != contents_.by_owner.end())
      keys.assign(found->second.begin(), found->second.end());
  }
  return get_all(keys);
}

std::vector<Store::Object> Store::labelled(const std::string& ns, std::string_view label,
                                           std::string_view value) const {
  std::vector<Object> found;
  if (label != indexed_label_) {
    for_each(ns, [&](const Object& object) {
      if (label_of(*object, label) == value) found.push_back(object);
    });
    return found;
  }
  std::vector<ObjectKey> keys;
  {
    base::MutexLock lock(mutex_);
    const auto known = contents_.by_label.find(std::string(value));
    if (known == contents_.by_label.end()) return found;
    for (const ObjectKey& key : known->second)
      if (ns.empty() || key.ns == ns) keys.push_back(key);
  }
  return get_all(keys);
}

void Store::for_each(const std::string& ns, const std::function<void(const Object&)>& visit) const {
  std::vector<PackedObject> all;
  {
    base::MutexLock lock(mutex_);
    if (ns.empty()) all.reserve(contents_.objects.size());
    auto entry = ns.empty() ? contents_.objects.begin() : contents_.objects.lower_bound({ns, ""});
    for (; entry != contents_.objects.end() && (ns.empty() || entry->first.ns == ns); ++entry)
      all.push_back(entry->second.object);
  }
  for (const PackedObject& packed : all)
    visit(packed.object());
}

std::vector<Store::Object> Store::list(const std::string& ns) const {
  std::vector<Object> all;
  for_each(ns, [&](const Object& object) { all.push_back(object); });
  return all;
}

std::vector<ObjectKey> Store::keys(const std::string& ns) const {
  std::vector<ObjectKey> keys;
  base::MutexLock lock(mutex_);
  auto entry = ns.empty() ? contents_.objects.begin() : contents_.objects.lower_bound({ns, ""});
  for (; entry != contents_.objects.end() && (ns.empty() || entry->first.ns == ns); ++entry)
    keys.push_back(entry->first);
  return keys;
}

size_t Store::size() const {
  base::MutexLock lock(mutex_);
  return contents_.objects.size();
}

size_t Store::trees() const {
  base::MutexLock lock(mutex_);
  return contents_.recent.size();
}

}  // namespace kube
