#include "kube/server/controllers/collector.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/object.h"
#include "kube/server/objects/deletion.h"
#include "kube/server/types/definition.h"

namespace kube::server::controllers {
namespace {

using nlohmann::json;
using storage::Change;
using storage::Event;
using storage::Key;
using storage::Object;
using storage::ObjectPtr;

constexpr const char* kManager = "sparkcron";
constexpr const char* kNamespaces = "namespaces";
constexpr const char* kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

bool has_finalizer(const Object& object, std::string_view finalizer) {
  const auto& finalizers = object.indexed.finalizers;
  return std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end();
}

bool waits_for_dependents(const Object& object) {
  return object.indexed.deleting && has_finalizer(object, objects::kForegroundFinalizer);
}

bool is_ours(const Object& object) {
  return object.indexed.deleting &&
         (object.key.resource == kNamespaces || object.key.resource == kDefinitions ||
          has_finalizer(object, objects::kForegroundFinalizer) ||
          has_finalizer(object, objects::kOrphanFinalizer));
}

// A failure that time may heal; everything else has been decided.
bool succeeded(const objects::Outcome<void>& outcome, const Key& key) {
  if (outcome || outcome.error().code < 500) return true;
  base::log_warning("kube/server", "Could not collect an object; trying again",
                    {{"resource", key.resource},
                     {"namespace", key.ns},
                     {"name", key.name},
                     {"error", outcome.error().message}});
  return false;
}

bool blocks(const Object& dependent, const std::string& owner_uid) {
  const auto& owners = dependent.indexed.owners;
  return std::any_of(owners.begin(), owners.end(), [&](const storage::Owner& owner) {
    return owner.uid == owner_uid && owner.blocks_deletion;
  });
}

// Each of them waits for the next one to go, and the last one for `target`: none would ever go.
bool waits_in_a_circle(const storage::ObjectStore& store, const Object& from,
                       const std::string& target) {
  std::set<std::string> seen;
  std::vector<std::string> open{from.indexed.uid};
  while (!open.empty()) {
    const std::string uid = std::move(open.back());
    open.pop_back();
    if (uid == target) return true;
    if (!seen.insert(uid).second) continue;
    for (const ObjectPtr& dependent : store.dependents(uid)) {
      if (waits_for_dependents(*dependent) && blocks(*dependent, uid))
        open.push_back(dependent->indexed.uid);
    }
  }
  return false;
}

template <class T>
objects::Outcome<void> without_value(const objects::Outcome<T>& outcome) {
  if (!outcome) return machinery::refuse(outcome.error());
  return {};
}

}  // namespace

Collector::Collector(objects::Objects& objects, size_t max_queued_bytes)
    : objects_(objects), store_(objects.store()), max_queued_bytes_(max_queued_bytes) {
  store_.add_listener([this](const std::vector<storage::EventPtr>& events) {
    const base::Status told = base::guarded("tell the collector", [&] {
      const base::MutexLock lock(mutex_);
      if (!stopping_) queue(events);
    });
    const base::MutexLock lock(mutex_);
    // Behind, it looks at everything.
    if (!told) work_ = {.events = {}, .bytes = 0, .overrun = true};
    changed_.notify_all();
  });
}

void Collector::queue(const std::vector<storage::EventPtr>& events) {
  if (work_.overrun) return;
  for (const storage::EventPtr& event : events) {
    work_.bytes += sizeof(Event) + 2 * sizeof(Object) + event->object->text.size() +
                   (event->previous ? event->previous->text.size() : 0);
  }
  if (work_.bytes > max_queued_bytes_) {
    work_ = {.events = {}, .bytes = 0, .overrun = true};
  } else {
    for (const storage::EventPtr& event : events)
      work_.events.push_back(storage::without_state(event));
  }
}

Collector::~Collector() {
  stop();
}

void Collector::start() {
  thread_ = base::start_thread("collector", [this] { run(); });
}

void Collector::stop() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Collector::wait_for_work(Work& work) {
  base::Clock& clock = objects_.clock();
  const base::SteadyTime retry_at = clock.steady_now() + kRetry;
  base::MutexLock lock(mutex_);
  while (work_.events.empty() && !work_.overrun && !stopping_) {
    if (retry_.empty()) {
      changed_.wait(lock);
    } else if (!clock.wait_until(lock, changed_, retry_at)) {
      break;
    }
  }
  work = std::exchange(work_, {});
  return !stopping_;
}

void Collector::run() {
  note_everything();
  while (true) {
    while (!due_.empty()) {
      const Key key = *due_.begin();
      due_.erase(due_.begin());
      const auto done = base::guarded("collect", [&] { return examine(key); });
      if (!done) {
        base::log_error("kube/server", "Could not collect an object; trying again",
                        {{"resource", key.resource},
                         {"namespace", key.ns},
                         {"name", key.name},
                         {"error", done.error().message}});
      }
      if (!done.value_or(false)) retry_.insert(key);
    }
    Work work;
    if (!wait_for_work(work)) return;
    due_.merge(std::exchange(retry_, {}));
    if (work.overrun) note_everything();
    for (const auto& event : work.events)
      note(*event);
  }
}

void Collector::note_everything() {
  for (const std::string& resource : store_.resources()) {
    for (const ObjectPtr& object : store_.list(resource, "").items) {
      const bool homeless =
          !object->key.ns.empty() &&
          !store_.get({.resource = kNamespaces, .ns = "", .name = object->key.ns});
      if (homeless || resource == kNamespaces || is_ours(*object) ||
          !object->indexed.owners.empty()) {
        due_.insert(object->key);
      }
    }
  }
}

// Which objects may have to be looked at because of this event.
void Collector::note(const Event& event) {
  const Object& object = *event.object;
  const Key& key = object.key;
  if (event.change == Change::Deleted) {
    for (const ObjectPtr& dependent : store_.dependents(object.indexed.uid)) {
      due_.insert(dependent->key);
    }
    if (!key.ns.empty()) due_.insert({.resource = kNamespaces, .ns = "", .name = key.ns});
    // The name of a definition is what the store calls its objects.
    due_.insert({.resource = kDefinitions, .ns = "", .name = key.resource});
  } else if (is_ours(object) || !object.indexed.owners.empty()) {
    due_.insert(key);
  }
  // A new namespace, or an object in one that went away between the check and the write.
  if (event.change == Change::Created) due_.insert(key);
  for (const ObjectPtr& version : {event.object, event.previous}) {
    if (!version) continue;
    for (const storage::Owner& owner : version->indexed.owners) {
      const ObjectPtr found = store_.find_uid(owner.uid);
      if (found && waits_for_dependents(*found)) due_.insert(found->key);
    }
  }
}

// False: try again later.
bool Collector::examine(const Key& key) {
  const ObjectPtr object = store_.get(key);
  if (!object) return true;
  if (key.resource == kNamespaces) {
    return object->indexed.deleting ? examine_namespace(object) : provide_account(object);
  }
  if (!key.ns.empty()) {
    const ObjectPtr ns = store_.get({.resource = kNamespaces, .ns = "", .name = key.ns});
    if (!ns && !object->indexed.deleting) return remove(object, kube::Propagation::Background);
    if (ns && ns->indexed.deleting) due_.insert(ns->key);
  }
  if (object->indexed.deleting) {
    if (has_finalizer(*object, objects::kOrphanFinalizer)) return orphan_dependents(object);
    if (has_finalizer(*object, objects::kForegroundFinalizer)) return delete_dependents(object);
    if (key.resource == kDefinitions) return examine_definition(object);
    return true;
  }
  return object->indexed.owners.empty() || examine_owners(object);
}

bool Collector::examine_owners(const ObjectPtr& object) {
  bool solid = false;
  bool waiting = false;
  std::set<std::string> lost;
  for (const storage::Owner& owner : object->indexed.owners) {
    const ObjectPtr found = store_.find_uid(owner.uid);
    // An owner lives in the same namespace or in none.
    if (!found || (!found->key.ns.empty() && found->key.ns != object->key.ns)) {
      lost.insert(owner.uid);
    } else if (waits_for_dependents(*found)) {
      lost.insert(owner.uid);
      waiting = true;
    } else {
      solid = true;
    }
  }
  if (lost.empty()) return true;
  if (solid) return drop_owners(object, lost);
  const bool has_dependents = !store_.dependents(object->indexed.uid).empty();
  return remove(object, waiting && has_dependents ? kube::Propagation::Foreground
                                                  : kube::Propagation::Background);
}

bool Collector::delete_dependents(const ObjectPtr& object) {
  bool blocked = false;
  bool all_well = true;
  for (const ObjectPtr& dependent : store_.dependents(object->indexed.uid)) {
    if (dependent->indexed.uid == object->indexed.uid) continue;  // its own owner
    if (!dependent->indexed.deleting && !examine_owners(dependent)) all_well = false;
    // Gone already, or kept by a finalizer or another owner?
    const ObjectPtr left = store_.get(dependent->key);
    if (!left || left->indexed.uid != dependent->indexed.uid) continue;
    if (!blocks(*left, object->indexed.uid)) continue;
    // A circle of owners is broken where it is seen first, as a cluster's collector does.
    if (waits_for_dependents(*left) && waits_in_a_circle(store_, *left, object->indexed.uid))
      continue;
    blocked = true;
  }
  if (blocked || !all_well) return all_well;  // the next event of a dependent leads here again
  return drop_finalizer(object, objects::kForegroundFinalizer);
}

bool Collector::orphan_dependents(const ObjectPtr& object) {
  for (const ObjectPtr& dependent : store_.dependents(object->indexed.uid)) {
    if (!drop_owners(dependent, {object->indexed.uid})) return false;
  }
  // A crash before this: the finalizer is still there and the rest is found done.
  return drop_finalizer(object, objects::kOrphanFinalizer);
}

bool Collector::examine_namespace(const ObjectPtr& ns) {
  bool empty = true;
  bool all_well = true;
  for (const std::string& resource : store_.resources()) {
    for (const ObjectPtr& object : store_.list(resource, ns->key.name).items) {
      if (object->key.ns != ns->key.name) continue;
      if (!object->indexed.deleting && !remove(object, kube::Propagation::Background))
        all_well = false;
      empty = empty && !store_.get(object->key);
    }
  }
  if (!all_well) return false;
  if (!empty || !ns->indexed.finalizers.empty()) return true;  // their deletion leads here again
  return succeeded(objects_.remove_raw(ns), ns->key);
}

bool Collector::provide_account(const ObjectPtr& ns) {
  const auto accounts = objects_.catalog()->find("", "v1", "serviceaccounts");
  if (store_.get({.resource = accounts->storage, .ns = ns->key.name, .name = "default"}))
    return true;
  const auto outcome =
      objects_.create({.resource = accounts, .ns = ns->key.name, .name = "default"},
                      {.value = {{"metadata", {{"name", "default"}}}}, .duplicate_fields = {}},
                      {.manager = kManager});
  return succeeded(without_value(outcome), ns->key);
}

bool Collector::examine_definition(const ObjectPtr& definition) {
  bool all_well = true;
  for (const ObjectPtr& object : store_.list(definition->key.name, "").items) {
    if (!object->indexed.deleting && !remove(object, kube::Propagation::Background))
      all_well = false;
  }
  if (!all_well) return false;
  if (!store_.list(definition->key.name, "").items.empty()) return true;
  return drop_finalizer(definition, types::kDefinitionFinalizer);
}

bool Collector::drop_finalizer(const ObjectPtr& object, const std::string& finalizer) {
  const auto resource = objects_.catalog()->find_stored(object->key.resource);
  if (!resource) return true;
  const auto outcome =
      objects_.change({.resource = resource, .ns = object->key.ns, .name = object->key.name},
                      {.manager = kManager}, [&](json& current) -> objects::Outcome<void> {
                        if (kube::uid_of(current) != object->indexed.uid) return {};
                        current["metadata"]["finalizers"] =
                            kube::finalizers_with(current, finalizer, kube::Finalizer::Absent);
                        return {};
                      });
  return succeeded(without_value(outcome), object->key);
}

bool Collector::drop_owners(const ObjectPtr& object, const std::set<std::string>& uids) {
  const auto outcome = objects_.edit_raw(object->key, [&](json& current) {
    json& metadata = current["metadata"];
    const auto owners = metadata.find("ownerReferences");
    if (owners == metadata.end() || !owners->is_array()) return false;
    const size_t before = owners->size();
    owners->erase(std::remove_if(owners->begin(), owners->end(),
                                 [&](const json& owner) {
                                   return uids.contains(base::string_at(owner, {"uid"}));
                                 }),
                  owners->end());
    if (owners->size() == before) return false;
    if (owners->empty()) metadata.erase(owners);
    return true;
  });
  return succeeded(without_value(outcome), object->key);
}

bool Collector::remove(const ObjectPtr& object, kube::Propagation propagation) {
  const auto resource = objects_.catalog()->find_stored(object->key.resource);
  if (!resource) return succeeded(objects_.remove_raw(object), object->key);
  // By UID: a namesake that was created meanwhile is not meant.
  const auto outcome =
      objects_.remove({.resource = resource, .ns = object->key.ns, .name = object->key.name},
                      {.propagation = propagation, .uid = object->indexed.uid});
  return succeeded(without_value(outcome), object->key);
}

}  // namespace kube::server::controllers
