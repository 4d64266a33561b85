#include "kube/server/storage/store.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <pthread.h>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/server/storage/revision_log.h"

namespace kube::server::storage {
namespace {

// One transaction at most: bounds how long the first of a batch waits for the last.
constexpr size_t kMaxBatch = 512;

ObjectPtr make_object(Key key, int64_t revision, std::string text, Facts facts) {
  auto object = std::make_shared<Object>();
  object->key = std::move(key);
  object->revision = revision;
  object->text = std::move(text);
  object->text.shrink_to_fit();
  object->facts = std::move(facts);
  return object;
}

// The state that a deletion leaves behind for watchers: the last one under the new revision.
std::string with_revision(nlohmann::json object, int64_t revision) {
  object["metadata"]["resourceVersion"] = std::to_string(revision);
  return base::dump_json(object);
}

base::Status admit(const WriteRequest& request, const ObjectPtr& current) {
  if (request.change == Change::Created) {
    if (current) return base::failure(base::Code::AlreadyExists, "the name is taken");
    return {};
  }
  if (!current) return base::failure(base::Code::NotFound, "the object is gone");
  if (current->revision != request.expected) {
    return base::failure(base::Code::Conflict, "another revision was written first");
  }
  return {};
}

}  // namespace

struct Store::Pending {
  WriteRequest request;
  std::optional<base::Result<ObjectPtr>> result;
};

struct Store::Core {
  RevisionLog log;
};

Store::Store(StoreOptions options) : options_(std::move(options)) {}

base::Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  ASSIGN_OR_RETURN(auto log, RevisionLog::open(options.path, options.durability));
  std::unique_ptr<Store> store(new Store(std::move(options)));
  store->core_ = std::make_unique<Core>(Core{std::move(log)});
  RETURN_IF_ERROR(store->load());
  store->writer_ = std::thread([raw = store.get()] { raw->run(); });
  pthread_setname_np(store->writer_.native_handle(), "store");
  return store;
}

Store::~Store() {
  {
    const base::MutexLock lock(queue_mutex_);
    stopping_ = true;
  }
  queued_.notify_all();
  if (writer_.joinable()) writer_.join();
}

base::Status Store::load() {
  const base::MutexLock lock(mutex_);
  compacted_ = core_->log.compacted();
  revision_ = compacted_;
  base::Status problem;
  RETURN_IF_ERROR(core_->log.scan([&](Row row) REQUIRES(mutex_) {
    if (!problem) return;
    const auto object = nlohmann::json::parse(row.text, nullptr, false);
    if (object.is_discarded()) {
      problem = base::failure(base::Code::InvalidArgument, options_.path + ": revision " +
                                                               std::to_string(row.revision) +
                                                               " is not JSON: the file is damaged");
      return;
    }
    auto event = std::make_shared<Event>();
    event->revision = row.revision;
    event->change = row.change;
    event->previous = locked_get(row.key);
    event->object = make_object(row.key, row.revision, std::move(row.text),
                                options_.facts ? options_.facts(row.key, object) : Facts{});
    apply(event);
  }));
  // What was compacted has no history: its events lack the states that they replaced.
  while (!history_.empty() && history_.front()->revision <= compacted_) {
    history_bytes_ -= history_.front()->object->text.size();
    history_.pop_front();
  }
  return problem;
}

ObjectPtr Store::locked_get(const Key& key) const {
  const auto shelf = shelves_.find(key.resource);
  if (shelf == shelves_.end()) return nullptr;
  const auto found = shelf->second.find({key.ns, key.name});
  return found == shelf->second.end() ? nullptr : found->second;
}

void Store::apply(const EventPtr& event) {
  const Key& key = event->object->key;
  Shelf& shelf = shelves_[key.resource];
  const ObjectPtr& old = event->previous;
  if (old) {
    by_uid_.erase(old->facts.uid);
    for (const Owner& owner : old->facts.owners) {
      const auto found = dependents_.find(owner.uid);
      if (found == dependents_.end()) continue;
      found->second.erase(old->facts.uid);
      if (found->second.empty()) dependents_.erase(found);
    }
  }
  if (event->change == Change::Deleted) {
    shelf.erase({key.ns, key.name});
  } else {
    shelf[{key.ns, key.name}] = event->object;
    const Facts& facts = event->object->facts;
    if (!facts.uid.empty()) by_uid_[facts.uid] = event->object;
    for (const Owner& owner : facts.owners)
      dependents_[owner.uid].insert(facts.uid);
  }
  if (shelf.empty()) shelves_.erase(key.resource);
  history_.push_back(event);
  history_bytes_ += event->object->text.size();
  revision_ = event->revision;
}

ObjectPtr Store::get(const Key& key) const {
  const base::MutexLock lock(mutex_);
  return locked_get(key);
}

ObjectPtr Store::find_uid(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::dependents(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  std::vector<ObjectPtr> objects;
  if (const auto found = dependents_.find(uid); found != dependents_.end()) {
    for (const std::string& dependent : found->second)
      objects.push_back(by_uid_.at(dependent));
  }
  return objects;
}

Listing Store::list(const std::string& resource, const std::string& ns) const {
  const base::MutexLock lock(mutex_);
  Listing listing{.items = {}, .revision = revision_};
  const auto shelf = shelves_.find(resource);
  if (shelf == shelves_.end()) return listing;
  auto item = ns.empty() ? shelf->second.begin() : shelf->second.lower_bound({ns, ""});
  for (; item != shelf->second.end() && (ns.empty() || item->first.first == ns); ++item) {
    listing.items.push_back(item->second);
  }
  return listing;
}

// What keys of this resource held at `revision`, for those that changed since; null = nothing.
Store::Shelf Store::overlay(const std::string& resource, int64_t revision) const {
  Shelf then;
  for (auto event = history_.rbegin(); event != history_.rend() && (*event)->revision > revision;
       ++event) {
    const Key& key = (*event)->object->key;
    if (key.resource == resource) then[{key.ns, key.name}] = (*event)->previous;
  }
  return then;
}

base::Result<Listing> Store::list_at(const std::string& resource, const std::string& ns,
                                     int64_t revision) const {
  const base::MutexLock lock(mutex_);
  if (revision < compacted_) {
    return base::failure(base::Code::Gone, "the revision has been compacted");
  }
  Shelf state;
  if (const auto shelf = shelves_.find(resource); shelf != shelves_.end()) state = shelf->second;
  for (auto& [key, object] : overlay(resource, revision))
    state[key] = object;
  Listing listing{.items = {}, .revision = revision};
  for (const auto& [key, object] : state) {
    if (object && (ns.empty() || key.first == ns)) listing.items.push_back(object);
  }
  return listing;
}

std::vector<std::string> Store::resources() const {
  const base::MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [resource, shelf] : shelves_)
    names.push_back(resource);
  return names;
}

base::Result<std::vector<EventPtr>> Store::events_after(int64_t revision) const {
  const base::MutexLock lock(mutex_);
  if (revision < compacted_) {
    return base::failure(base::Code::Gone, "too old resource version: " + std::to_string(revision) +
                                               " (" + std::to_string(compacted_) + ")");
  }
  const auto first =
      std::partition_point(history_.begin(), history_.end(),
                           [&](const EventPtr& event) { return event->revision <= revision; });
  return std::vector<EventPtr>(first, history_.end());
}

int64_t Store::revision() const {
  const base::MutexLock lock(mutex_);
  return revision_;
}

int64_t Store::compacted() const {
  const base::MutexLock lock(mutex_);
  return compacted_;
}

void Store::add_listener(Listener listener) {
  listeners_.push_back(std::move(listener));
}

base::Result<ObjectPtr> Store::write(WriteRequest request) {
  std::vector<WriteRequest> one;
  one.push_back(std::move(request));
  return std::move(write_all(std::move(one)).front());
}

std::vector<base::Result<ObjectPtr>> Store::write_all(std::vector<WriteRequest> requests) {
  std::vector<Pending> pending(requests.size());
  for (size_t i = 0; i < requests.size(); ++i)
    pending[i].request = std::move(requests[i]);
  std::vector<base::Result<ObjectPtr>> results;
  base::MutexLock lock(queue_mutex_);
  CHECK(!stopping_);
  for (Pending& one : pending)
    queue_.push_back(&one);
  queued_.notify_one();
  for (Pending& one : pending) {
    while (!one.result)
      finished_.wait(lock);
    results.push_back(std::move(*one.result));
  }
  return results;
}

void Store::run() {
  while (true) {
    std::vector<Pending*> batch;
    {
      base::MutexLock lock(queue_mutex_);
      while (queue_.empty() && !stopping_)
        queued_.wait(lock);
      if (queue_.empty()) return;
      const auto end =
          queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
      batch.assign(queue_.begin(), end);
      queue_.erase(queue_.begin(), end);
    }
    commit(batch);
    compact_if_needed();
  }
}

void Store::commit(std::span<Pending* const> batch) {
  std::vector<Row> rows;
  std::vector<EventPtr> events;
  std::vector<base::Result<ObjectPtr>> results;
  std::map<Key, ObjectPtr> written;  // by this batch, not yet visible
  int64_t revision = this->revision();
  for (Pending* const one : batch) {
    WriteRequest& request = one->request;
    const auto earlier = written.find(request.key);
    const ObjectPtr current = earlier != written.end() ? earlier->second : get(request.key);
    if (auto admitted = admit(request, current); !admitted) {
      results.push_back(base::failure(admitted.error()));
      continue;
    }
    ++revision;
    const bool deleted = request.change == Change::Deleted;
    auto event = std::make_shared<Event>();
    event->revision = revision;
    event->change = request.change;
    event->previous = current;
    event->object = make_object(
        request.key, revision,
        with_revision(deleted ? current->parse() : std::move(*request.object), revision),
        deleted ? current->facts : std::move(request.facts));
    written[request.key] = deleted ? nullptr : event->object;
    rows.push_back({.revision = revision,
                    .change = request.change,
                    .key = request.key,
                    .previous = current ? current->revision : 0,
                    .text = event->object->text});
    results.push_back(event->object);
    events.push_back(std::move(event));
  }
  base::Status appended;
  if (!rows.empty()) appended = core_->log.append(rows);
  if (appended) {
    {
      const base::MutexLock lock(mutex_);
      for (const EventPtr& event : events)
        apply(event);
    }
    if (!events.empty()) {
      for (const Listener& listener : listeners_)
        listener(events);
    }
  } else {
    base::log_error("kube/server", "Could not write to the store",
                    {{"error", appended.error().message}});
  }
  const base::MutexLock lock(queue_mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    // A refusal that was decided against rows which were not written is withdrawn with them.
    if (!appended) results[i] = base::failure(appended.error());
    batch[i]->result = std::move(results[i]);
  }
  finished_.notify_all();
}

void Store::compact_if_needed() {
  int64_t horizon = 0;
  {
    const base::MutexLock lock(mutex_);
    // In portions of a tenth: dropping one row per write would double the cost of every write.
    if (history_.size() <= options_.history_revisions + options_.history_revisions / 10 &&
        history_bytes_ <= options_.history_bytes + options_.history_bytes / 10) {
      return;
    }
    // The newest row always stays: it remembers the highest revision.
    while (history_.size() > 1 && (history_.size() > options_.history_revisions ||
                                   history_bytes_ > options_.history_bytes)) {
      history_bytes_ -= history_.front()->object->text.size();
      horizon = history_.front()->revision;
      history_.pop_front();
    }
    if (horizon == 0) return;
    compacted_ = horizon;
  }
  // A crash before this: the rows are still there and the next start knows a little more history.
  if (auto compacted = core_->log.compact(horizon); !compacted) {
    base::log_warning("kube/server", "Could not compact the store; trying again later",
                      {{"error", compacted.error().message}});
  }
}

}  // namespace kube::server::storage
