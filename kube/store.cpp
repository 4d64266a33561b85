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
    Kept kept = keep(std::move(object));
    kept.object.pack();
    index(kept, key, fresh);
    fresh.objects.emplace_hint(fresh.objects.end(), key, std::move(kept));
  }
  std::vector<StoreDelta> deltas;
  base::MutexLock lock(mutex_);
  for (const auto& [key, kept] : contents_.objects)
    if (!fresh.objects.contains(key)) deltas.push_back({.before = kept.object, .after = {}});
  for (auto& [key, kept] : fresh.objects) {
    const auto known = contents_.objects.find(key);
    const bool is_known = known != contents_.objects.end();
    if (is_known && kept.object.is_version_of(known->second.object)) continue;
    deltas.push_back(
        {.before = is_known ? known->second.object : PackedObject(), .after = kept.object});
  }
  std::swap(contents_, fresh);
  return deltas;
}

StoreDelta Store::apply(PackedObject object) {
  const ObjectKey key = object.key();
  Kept kept = keep(std::move(object));
  std::vector<Object> dropped;
  base::MutexLock lock(mutex_);
  StoreDelta delta = take(key);
  index(kept, key, contents_);
  delta.after = kept.object;
  const auto placed = contents_.objects.emplace(key, std::move(kept)).first;
  if (delta.after.has_tree()) touch(key, placed->second, dropped);
  return delta;
}

StoreDelta Store::remove(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  return take(key);
}

StoreDelta Store::take(const ObjectKey& key) {
  const auto found = contents_.objects.find(key);
  if (found == contents_.objects.end()) return {};
  unindex(found->second, key);
  if (found->second.recent) contents_.recent.erase(*found->second.recent);
  StoreDelta delta{.before = std::move(found->second.object), .after = {}};
  contents_.objects.erase(found);
  return delta;
}

// Without the lock: it may have to be read for its label.
Store::Kept Store::keep(PackedObject object) const {
  Kept kept{.object = std::move(object), .label = {}, .recent = {}};
  if (!indexed_label_.empty()) kept.label = label_of(*kept.object.object(), indexed_label_);
  return kept;
}

void Store::index(const Kept& kept, const ObjectKey& key, Contents& contents) {
  for (const std::string& uid : kept.object.identity().owners)
    contents.by_owner[uid].insert(key);
  if (!kept.label.empty()) contents.by_label[kept.label].insert(key);
}

void Store::unindex(const Kept& kept, const ObjectKey& key) {
  for (const std::string& uid : kept.object.identity().owners)
    forget(contents_.by_owner, uid, key);
  if (!kept.label.empty()) forget(contents_.by_label, kept.label, key);
}

// It was asked for, and is a tree; who was not asked for longest makes room. Without memory for a
// text one more stays a tree, until the next is asked for: no change is lost for that.
void Store::touch(const ObjectKey& key, Kept& kept, std::vector<Object>& dropped) const {
  if (kept.recent) {
    contents_.recent.splice(contents_.recent.begin(), contents_.recent, *kept.recent);
    return;
  }
  try {
    contents_.recent.push_front(key);
    kept.recent = contents_.recent.begin();
    while (contents_.recent.size() > most_trees_) {
      Kept& oldest = contents_.objects.at(contents_.recent.back());
      dropped.push_back(oldest.object.object());
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
  }
  return unpack({key, std::move(packed)});
}

// The tree is made without the lock. What came meanwhile is newer, and another reader's tree as
// good.
Store::Object Store::unpack(const Found& found) const {
  const auto& [key, packed] = found;
  Object object = packed.object();
  std::vector<Object> dropped;
  base::MutexLock lock(mutex_);
  const auto known = contents_.objects.find(key);
  if (known == contents_.objects.end() || !packed.is_version_of(known->second.object))
    return object;
  Kept& kept = known->second;
  if (!kept.object.has_tree()) kept.object.unpack(object);
  touch(key, kept, dropped);
  return object;
}

// Many at once would only push each other out, and everybody else's.
std::vector<Store::Object> Store::unpack(const std::vector<Found>& found) const {
  std::vector<Object> objects;
  objects.reserve(found.size());
  const bool are_kept = found.size() <= most_trees_ / 4;
  for (const Found& one : found)
    objects.push_back(are_kept ? unpack(one) : one.second.object());
  return objects;
}

std::vector<Store::Object> Store::owned_by(const std::string& uid) const {
  std::vector<Found> found;
  {
    base::MutexLock lock(mutex_);
    if (const auto keys = contents_.by_owner.find(uid); keys != contents_.by_owner.end())
      for (const ObjectKey& key : keys->second)
        found.emplace_back(key, contents_.objects.at(key).object);
  }
  return unpack(found);
}

std::vector<Store::Object> Store::labelled(const std::string& ns, std::string_view label,
                                           std::string_view value) const {
  if (label != indexed_label_) {
    std::vector<Object> objects;
    for_each(ns, [&](const Object& object) {
      if (label_of(*object, label) == value) objects.push_back(object);
    });
    return objects;
  }
  std::vector<Found> found;
  {
    base::MutexLock lock(mutex_);
    if (const auto keys = contents_.by_label.find(std::string(value));
        keys != contents_.by_label.end())
      for (const ObjectKey& key : keys->second)
        if (ns.empty() || key.ns == ns) found.emplace_back(key, contents_.objects.at(key).object);
  }
  return unpack(found);
}

template <class Visit>
void Store::walk(const std::string& ns, const Visit& visit) const {
  auto entry = ns.empty() ? contents_.objects.begin() : contents_.objects.lower_bound({ns, ""});
  for (; entry != contents_.objects.end() && (ns.empty() || entry->first.ns == ns); ++entry)
    visit(entry->first, entry->second);
}

void Store::for_each(const std::string& ns, const std::function<void(const Object&)>& visit) const {
  for (const PackedObject& one : packed(ns))
    visit(one.object());
}

std::vector<PackedObject> Store::packed(const std::string& ns) const {
  std::vector<PackedObject> all;
  base::MutexLock lock(mutex_);
  if (ns.empty()) all.reserve(contents_.objects.size());
  walk(ns, [&](const ObjectKey&, const Kept& kept) { all.push_back(kept.object); });
  return all;
}

std::vector<Store::Object> Store::list(const std::string& ns) const {
  std::vector<Object> all;
  for_each(ns, [&](const Object& object) { all.push_back(object); });
  return all;
}

std::vector<ObjectKey> Store::keys(const std::string& ns) const {
  std::vector<ObjectKey> keys;
  base::MutexLock lock(mutex_);
  walk(ns, [&](const ObjectKey& key, const Kept&) { keys.push_back(key); });
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
