#include "tests/support/fake_api.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace tests {
namespace {

using base::Code;
using kube::Json;

std::string now_text(const base::Clock& clock) {
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock.now()));
}

bool has_members(const Json& object, const char* list) {
  const Json* found = base::find(object, {"metadata", list});
  return found != nullptr && found->is_array() && !found->empty();
}

bool is_deleting(const Json& object) {
  return base::find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

// "a=b,c=d" and "a".
bool selects(const std::string& selector, const Json& object) {
  for (size_t at = 0; at < selector.size();) {
    const size_t end = std::min(selector.find(',', at), selector.size());
    const std::string term = selector.substr(at, end - at);
    at = end + 1;
    const size_t equals = term.find('=');
    const Json* label = base::find(object, {"metadata", "labels", term.substr(0, equals)});
    if (label == nullptr) return false;
    if (equals != std::string::npos && *label != term.substr(equals + 1)) return false;
  }
  return true;
}

base::Error not_found(const std::string& plural, const kube::ObjectKey& key) {
  return {Code::NotFound, plural + " \"" + key.name + "\" not found"};
}

base::Error conflict(const std::string& plural, const kube::ObjectKey& key) {
  return {Code::Conflict, "Operation cannot be fulfilled on " + plural + " \"" + key.name +
                              "\": the object has been modified; please apply your changes to "
                              "the latest version and try again"};
}

}  // namespace

std::optional<base::Error> FakeApi::called(const ApiCall& call) {
  calls.push_back(call);
  return before ? before(call) : std::nullopt;
}

std::optional<base::Error> FakeApi::answered(const ApiCall& call) {
  return after ? after(call) : std::nullopt;
}

Json FakeApi::stamped(Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  return object;
}

base::Result<Json> FakeApi::get(const kube::ResourceType& type, const kube::ObjectKey& key) {
  const ApiCall call{"get", type.plural, key, ""};
  if (auto error = called(call)) return base::failure(*error);
  const auto found = store_.find({type.plural, key});
  if (auto error = answered(call)) return base::failure(*error);
  if (found == store_.end()) return base::failure(not_found(type.plural, key));
  return *found->second;
}

base::Result<kube::ObjectList> FakeApi::list(const kube::ResourceType& type,
                                             const kube::ListOptions& options) {
  const ApiCall call{"list", type.plural, {options.ns, ""}, ""};
  if (auto error = called(call)) return base::failure(*error);
  kube::ObjectList found{.items = {}, .resource_version = std::to_string(version_)};
  for (const auto& [key, object] : store_) {
    if (key.first != type.plural || (!options.ns.empty() && key.second.ns != options.ns)) continue;
    if (selects(options.label_selector, *object)) found.items.push_back(*object);
  }
  if (auto error = answered(call)) return base::failure(*error);
  return found;
}

base::Result<std::unique_ptr<kube::Watch>> FakeApi::watch(const kube::ResourceType&,
                                                          const kube::ListOptions&) {
  return base::failure(Code::Unimplemented, "the model has no watch; use FakeCache");
}

base::Result<Json> FakeApi::create(const kube::ResourceType& type, const Json& object) {
  const kube::ObjectKey key = kube::key_of(object);
  const ApiCall call{"create", type.plural, key, ""};
  if (auto error = called(call)) return base::failure(*error);
  if (terminating_namespaces.contains(key.ns)) {
    return base::failure(Code::Forbidden, type.plural + " \"" + key.name +
                                              "\" is forbidden: unable to create new content in "
                                              "namespace " +
                                              key.ns + " because it is being terminated");
  }
  if (store_.contains({type.plural, key}))
    return base::failure(Code::AlreadyExists, type.plural + " \"" + key.name + "\" already exists");
  Json next = object;
  char uid[40];
  std::snprintf(uid, sizeof uid, "00000000-0000-4000-8000-%012llu",
                static_cast<unsigned long long>(++uids_));
  next["apiVersion"] = type.api_version();
  next["kind"] = type.kind;
  next["metadata"]["uid"] = uid;
  next["metadata"]["creationTimestamp"] = now_text(clock_);
  next["metadata"]["generation"] = 1;
  next = stamped(std::move(next));
  store_[{type.plural, key}] = std::make_shared<const Json>(next);
  if (auto error = answered(call)) return base::failure(*error);
  return next;
}

// Stores what came of a write, as the API server does: the status subresource changes nothing but
// the status, the main resource everything else.
base::Result<Json> FakeApi::put(const kube::ResourceType& type, const kube::ObjectKey& key,
                                Json next, std::string_view subresource) {
  const auto found = store_.find({type.plural, key});
  if (found == store_.end()) return base::failure(not_found(type.plural, key));
  const Json& old = *found->second;
  const std::string version = kube::resource_version_of(next);
  if (!version.empty() && version != kube::resource_version_of(old))
    return base::failure(conflict(type.plural, key));
  if (const std::string uid = kube::uid_of(next); !uid.empty() && uid != kube::uid_of(old))
    return base::failure(conflict(type.plural, key));
  Json merged = old;
  if (subresource == "status") {
    merged["status"] = next.value("status", Json());
  } else {
    const Json status = old.value("status", Json());
    merged = std::move(next);
    merged.erase("status");
    if (!status.is_null()) merged["status"] = status;
    for (const char* kept : {"uid", "creationTimestamp", "generation", "deletionTimestamp"})
      if (const Json* value = base::find(old, {"metadata", kept}))
        merged["metadata"][kept] = *value;
    if (merged.value("spec", Json()) != old.value("spec", Json()))
      merged["metadata"]["generation"] = old["metadata"]["generation"].get<int64_t>() + 1;
  }
  merged["metadata"]["resourceVersion"] = kube::resource_version_of(old);
  if (merged == old) return merged;  // writing nothing new is no event
  merged = stamped(std::move(merged));
  if (is_deleting(merged) && !has_members(merged, "finalizers") && type.plural != "pods") {
    store_.erase(found);
  } else {
    found->second = std::make_shared<const Json>(merged);
  }
  return merged;
}

base::Result<Json> FakeApi::update(const kube::ResourceType& type, const Json& object,
                                   std::string_view subresource) {
  const kube::ObjectKey key = kube::key_of(object);
  const ApiCall call{"update", type.plural, key, std::string(subresource)};
  if (auto error = called(call)) return base::failure(*error);
  auto result = put(type, key, object, subresource);
  if (auto error = answered(call)) return base::failure(*error);
  return result;
}

base::Result<Json> FakeApi::patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                  kube::PatchType patch_type, const Json& patch,
                                  const kube::PatchOptions& options) {
  const ApiCall call{"patch", type.plural, key, options.subresource};
  if (auto error = called(call)) return base::failure(*error);
  if (patch_type != kube::PatchType::MergePatch)
    return base::failure(Code::Unimplemented, "the model knows only merge patches");
  const auto found = store_.find({type.plural, key});
  if (found == store_.end()) return base::failure(not_found(type.plural, key));
  Json next = *found->second;
  next["metadata"].erase("resourceVersion");
  next.merge_patch(patch);
  auto result = put(type, key, std::move(next), options.subresource);
  if (auto error = answered(call)) return base::failure(*error);
  return result;
}

base::Status FakeApi::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                             const kube::DeleteOptions& options) {
  const ApiCall call{"delete", type.plural, key, ""};
  if (auto error = called(call)) return base::failure(*error);
  const auto found = store_.find({type.plural, key});
  if (found == store_.end()) return base::failure(not_found(type.plural, key));
  if ((!options.uid.empty() && options.uid != kube::uid_of(*found->second)) ||
      (!options.resource_version.empty() &&
       options.resource_version != kube::resource_version_of(*found->second)))
    return base::failure(conflict(type.plural, key));
  auto result = remove_now(found->first, options.propagation);
  if (auto error = answered(call)) return base::failure(*error);
  return result;
}

base::Status FakeApi::remove_now(const Key& key, kube::Propagation propagation) {
  const auto found = store_.find(key);
  const std::string uid = kube::uid_of(*found->second);
  if (propagation == kube::Propagation::Orphan) {
    for (auto& [other, object] : store_) {
      if (!has_members(*object, "ownerReferences")) continue;
      Json next = *object;
      Json& owners = next["metadata"]["ownerReferences"];
      const auto kept = std::remove_if(owners.begin(), owners.end(), [&](const Json& owner) {
        return base::string_at(owner, {"uid"}) == uid;
      });
      if (kept == owners.end()) continue;
      owners.erase(kept, owners.end());
      object = std::make_shared<const Json>(stamped(std::move(next)));
    }
  }
  // Finalizers keep an object; so does the grace period of a pod, until the node says it is over.
  if (has_members(*found->second, "finalizers") || key.first == "pods") {
    if (is_deleting(*found->second)) return {};
    Json next = *found->second;
    next["metadata"]["deletionTimestamp"] = now_text(clock_);
    found->second = std::make_shared<const Json>(stamped(std::move(next)));
  } else {
    ++version_;
    store_.erase(found);
  }
  return {};
}

std::shared_ptr<const Json> FakeApi::peek(const kube::ResourceType& type,
                                          const kube::ObjectKey& key) const {
  const auto found = store_.find({type.plural, key});
  return found == store_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Json>> FakeApi::peek_all(const kube::ResourceType& type) const {
  std::vector<std::shared_ptr<const Json>> found;
  for (const auto& [key, object] : store_)
    if (key.first == type.plural) found.push_back(object);
  return found;
}

void FakeApi::set(const kube::ResourceType& type, const kube::ObjectKey& key,
                  const std::string& pointer, const Json& value) {
  const auto found = store_.find({type.plural, key});
  if (found == store_.end()) return;
  Json next = *found->second;
  const Json::json_pointer where(pointer);
  if (!value.is_null()) {
    next[where] = value;
  } else if (next.contains(where)) {
    next[where.parent_pointer()].erase(where.back());
  }
  if (next.value("spec", Json()) != found->second->value("spec", Json()))
    next["metadata"]["generation"] = next["metadata"]["generation"].get<int64_t>() + 1;
  found->second = std::make_shared<const Json>(stamped(std::move(next)));
}

void FakeApi::erase(const kube::ResourceType& type, const kube::ObjectKey& key) {
  if (store_.erase({type.plural, key}) > 0) ++version_;
}

bool FakeApi::collect_garbage() {
  std::set<std::string> uids;
  for (const auto& [key, object] : store_)
    uids.insert(kube::uid_of(*object));
  std::vector<Key> garbage;
  for (const auto& [key, object] : store_) {
    if (!has_members(*object, "ownerReferences") || is_deleting(*object)) continue;
    const Json& owners = (*object)["metadata"]["ownerReferences"];
    if (std::none_of(owners.begin(), owners.end(), [&](const Json& owner) {
          return uids.contains(base::string_at(owner, {"uid"}));
        }))
      garbage.push_back(key);
  }
  for (const Key& key : garbage)
    (void)remove_now(key, kube::Propagation::Background);
  return !garbage.empty();
}

void FakeCache::sync() {
  seen_ = api_.store_;
}

void FakeCache::sync(const kube::ResourceType& type) {
  std::erase_if(seen_, [&](const auto& entry) { return entry.first.first == type.plural; });
  for (const auto& entry : api_.store_)
    if (entry.first.first == type.plural) seen_.insert(entry);
}

std::shared_ptr<const Json> FakeCache::get(const kube::ResourceType& type,
                                           const kube::ObjectKey& key) const {
  const auto found = seen().find({type.plural, key});
  return found == seen().end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Json>> FakeCache::owned_by(const kube::ResourceType& type,
                                                             const std::string& uid) const {
  std::vector<std::shared_ptr<const Json>> found;
  for (const auto& [key, object] : seen()) {
    if (key.first != type.plural || !has_members(*object, "ownerReferences")) continue;
    const Json& owners = (*object)["metadata"]["ownerReferences"];
    if (std::any_of(owners.begin(), owners.end(),
                    [&](const Json& owner) { return base::string_at(owner, {"uid"}) == uid; }))
      found.push_back(object);
  }
  return found;
}

std::vector<std::shared_ptr<const Json>> FakeCache::list(const kube::ResourceType& type,
                                                         const std::string& ns) const {
  std::vector<std::shared_ptr<const Json>> found;
  for (const auto& [key, object] : seen())
    if (key.first == type.plural && (ns.empty() || key.second.ns == ns)) found.push_back(object);
  return found;
}

}  // namespace tests
