#include "kube/server/storage/object_store.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/server/storage/limits.h"
#include "kube/server/storage/revision_log.h"

namespace kube::server::storage {
namespace {

// One transaction at most: bounds how long the first of a batch waits for the last, and how far the
// write-ahead log grows.
constexpr size_t kMaxBatch = 512;
constexpr size_t kMaxBatchBytes = size_t{16} << 20;

ObjectPtr make_object(Key key, int64_t revision, std::string text, IndexedFields indexed) {
  auto object = std::make_shared<Object>();
  object->key = std::move(key);
  object->revision = revision;
  object->text = std::move(text);
  object->text.shrink_to_fit();
  object->indexed = std::move(indexed);
  return object;
}

std::string with_revision(nlohmann::json& object, int64_t revision) {
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

EventPtr without_state(const EventPtr& event) {
  if (!event->state) return event;
  auto lighter = std::make_shared<Event>(*event);
  lighter->state = nullptr;
  return lighter;
}

struct ObjectStore::Pending {
  WriteRequest request;
  std::optional<base::Result<ObjectPtr>> result;
  size_t bytes = 0;  // of the new object
};

// What one batch comes to before it is written.
struct ObjectStore::Draft {
  int64_t revision = 0;  // the newest
  std::vector<Row> rows;
  std::vector<EventPtr> events;
  std::vector<base::Result<ObjectPtr>> results;
  std::map<Key, ObjectPtr> written;  // by this batch, not yet visible
};

struct ObjectStore::Core {
  std::optional<RevisionLog> log;  // nothing between two attempts to open it anew
};

ObjectStore::ObjectStore(ObjectStoreOptions options) : options_(std::move(options)) {}

base::Result<std::unique_ptr<ObjectStore>> ObjectStore::open(ObjectStoreOptions options) {
  ASSIGN_OR_RETURN(auto log, RevisionLog::open(options.path, options.durability));
  std::unique_ptr<ObjectStore> store(new ObjectStore(std::move(options)));
  store->core_ = std::make_unique<Core>();
  store->core_->log.emplace(std::move(log));
  RETURN_IF_ERROR(store->load());
  store->writer_ = base::start_thread("store", [raw = store.get()] { raw->run(); });
  return store;
}

ObjectStore::~ObjectStore() {
  {
    const base::MutexLock lock(queue_mutex_);
    stopping_ = true;
  }
  queued_.notify_all();
  if (writer_.joinable()) writer_.join();
}

base::Status ObjectStore::load() {
  {
    const base::MutexLock lock(mutex_);
    compacted_ = core_->log->compacted();
    revision_ = compacted_;
  }
  RETURN_IF_ERROR(read_rows(0, [this](const EventPtr& event) -> base::Status {
    const base::MutexLock lock(mutex_);
    apply(event);
    return {};
  }));
  const base::MutexLock lock(mutex_);
  // What was compacted has no history: its events lack the states that they replaced.
  while (!history_.empty() && history_.front()->revision <= compacted_) {
    history_bytes_ -= history_.front()->object->text.size();
    history_.pop_front();
  }
  return {};
}

// The rows of the file as events on the present state, in order; `visit` applies them.
base::Status ObjectStore::read_rows(int64_t first,
                                    const std::function<base::Status(const EventPtr&)>& visit) {
  base::Status problem;
  RETURN_IF_ERROR(core_->log->scan(first, [&](Row row) {
    if (!problem) return;
    // It was written by this store: what bounded it then holds for it.
    const auto object = base::parse_json(
        row.text,
        {.bytes = row.text.size(), .depth = row.text.size(), .leave_out = options_.unindexed});
    if (!object) {
      problem = base::failure(base::Code::Corrupt, options_.path + ": revision " +
                                                       std::to_string(row.revision) +
                                                       " is not JSON: the file is damaged");
      return;
    }
    auto event = std::make_shared<Event>();
    event->revision = row.revision;
    event->change = row.change;
    event->previous = get(row.key);
    event->object =
        make_object(row.key, row.revision, std::move(row.text),
                    options_.indexed ? options_.indexed(row.key, *object) : IndexedFields{});
    problem = visit(event);
  }));
  return problem;
}

ObjectPtr ObjectStore::locked_get(const Key& key) const {
  const auto shelf = shelves_.find(key.resource);
  if (shelf == shelves_.end()) return nullptr;
  const auto found = shelf->second.find({key.ns, key.name});
  return found == shelf->second.end() ? nullptr : found->second;
}

void ObjectStore::apply(const EventPtr& event) {
  const Key& key = event->object->key;
  Shelf& shelf = shelves_[key.resource];
  const ObjectPtr& old = event->previous;
  if (old) {
    bytes_ -= old->text.size();
    by_uid_.erase(old->indexed.uid);
    for (const Owner& owner : old->indexed.owners) {
      const auto found = dependents_.find(owner.uid);
      if (found == dependents_.end()) continue;
      found->second.erase(old->indexed.uid);
      if (found->second.empty()) dependents_.erase(found);
    }
  }
  if (event->change == Change::Deleted) {
    shelf.erase({key.ns, key.name});
  } else {
    shelf[{key.ns, key.name}] = event->object;
    bytes_ += event->object->text.size();
    const IndexedFields& indexed = event->object->indexed;
    if (!indexed.uid.empty()) by_uid_[indexed.uid] = event->object;
    for (const Owner& owner : indexed.owners)
      dependents_[owner.uid].insert(indexed.uid);
  }
  if (shelf.empty()) shelves_.erase(key.resource);
  history_.push_back(without_state(event));
  history_bytes_ += event->object->text.size();
  revision_ = event->revision;
}

ObjectPtr ObjectStore::get(const Key& key) const {
  const base::MutexLock lock(mutex_);
  return locked_get(key);
}

ObjectPtr ObjectStore::find_uid(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> ObjectStore::dependents(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  std::vector<ObjectPtr> objects;
  if (const auto found = dependents_.find(uid); found != dependents_.end()) {
    for (const std::string& dependent : found->second)
      objects.push_back(by_uid_.at(dependent));
  }
  return objects;
}

Listing ObjectStore::list(const std::string& resource, const std::string& ns) const {
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
ObjectStore::Shelf ObjectStore::overlay(const std::string& resource, int64_t revision) const {
  Shelf then;
  for (auto event = history_.rbegin(); event != history_.rend() && (*event)->revision > revision;
       ++event) {
    const Key& key = (*event)->object->key;
    if (key.resource == resource) then[{key.ns, key.name}] = (*event)->previous;
  }
  return then;
}

base::Result<Listing> ObjectStore::list_at(const std::string& resource, const std::string& ns,
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

std::vector<std::string> ObjectStore::resources() const {
  const base::MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [resource, shelf] : shelves_)
    names.push_back(resource);
  return names;
}

base::Result<std::vector<EventPtr>> ObjectStore::events_after(int64_t revision) const {
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

int64_t ObjectStore::revision() const {
  const base::MutexLock lock(mutex_);
  return revision_;
}

int64_t ObjectStore::compacted() const {
  const base::MutexLock lock(mutex_);
  return compacted_;
}

size_t ObjectStore::bytes() const {
  const base::MutexLock lock(mutex_);
  return bytes_;
}

base::Status ObjectStore::health() const {
  const base::MutexLock lock(mutex_);
  return health_ ? last_write_ : health_;
}

void ObjectStore::note_last_write(base::Status written) {
  const base::MutexLock lock(mutex_);
  last_write_ = std::move(written);
}

void ObjectStore::note_health(base::Status health) {
  const base::MutexLock lock(mutex_);
  health_ = std::move(health);
}

// Writing goes on, as far as it can: what is damaged may be old rows that nobody needs before the
// next start, and that start would fail.
void ObjectStore::note_damage(const base::Error& error) {
  if (error.code == base::Code::Corrupt) note_health(base::failure(error));
}

base::Result<size_t> ObjectStore::check_room(const WriteRequest& request) const {
  if (request.change == Change::Deleted) return size_t{0};
  const ObjectPtr current = get(request.key);
  const bool deleting = request.indexed.deleting;
  const auto size = check_size(*request.object, current.get(), deleting, options_.object_bytes);
  if (!size || deleting) return size;
  // What is there may still be updated when nothing new comes in: a run has to tell how it ended.
  const size_t quota = options_.quota_bytes + (current ? options_.quota_bytes / 10 : 0);
  const size_t used = bytes();
  if (used < quota) return size;
  return base::failure(base::Code::Unavailable, "the objects have " + std::to_string(used) +
                                                    " bytes, the limit is " +
                                                    std::to_string(options_.quota_bytes) +
                                                    ": delete what is no longer needed");
}

void ObjectStore::try_write() {
  if (health()) return;
  const base::MutexLock lock(queue_mutex_);
  try_write_ = true;
  queued_.notify_one();
}

void ObjectStore::add_listener(Listener listener) {
  listeners_.push_back(std::move(listener));
}

base::Result<ObjectPtr> ObjectStore::write(WriteRequest request) {
  std::vector<WriteRequest> one;
  one.push_back(std::move(request));
  return std::move(write_all(std::move(one)).front());
}

std::vector<base::Result<ObjectPtr>> ObjectStore::write_all(std::vector<WriteRequest> requests) {
  std::vector<Pending> pending(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    pending[i].request = std::move(requests[i]);
    if (auto bytes = check_room(pending[i].request)) {
      pending[i].bytes = *bytes;
    } else {
      pending[i].result = base::failure(bytes.error());
    }
  }
  std::vector<base::Result<ObjectPtr>> results;
  base::MutexLock lock(queue_mutex_);
  CHECK(!stopping_);
  for (Pending& one : pending) {
    if (!one.result) queue_.push_back(&one);
  }
  queued_.notify_one();
  for (Pending& one : pending) {
    while (!one.result)
      finished_.wait(lock);
    results.push_back(std::move(*one.result));
  }
  return results;
}

// Empty: nothing waits, or the end has come.
std::vector<ObjectStore::Pending*> ObjectStore::next_batch() {
  std::vector<Pending*> batch;
  batch.reserve(kMaxBatch);
  base::MutexLock lock(queue_mutex_);
  while (queue_.empty() && !stopping_ && !untidy_ && !try_write_)
    queued_.wait(lock);
  size_t bytes = 0;
  while (!queue_.empty() && batch.size() < kMaxBatch && bytes < kMaxBatchBytes) {
    bytes += queue_.front()->bytes;
    batch.push_back(queue_.front());
    queue_.pop_front();
  }
  return batch;
}

void ObjectStore::run() {
  while (true) {
    const auto batch = next_batch();
    if (!batch.empty()) {
      commit(batch);
      compact_if_needed();
      continue;
    }
    bool trying = false;
    {
      const base::MutexLock lock(queue_mutex_);
      if (stopping_ && queue_.empty()) return;
      trying = std::exchange(try_write_, false);
    }
    if (trying) try_small_write();
    tidy();
  }
}

void ObjectStore::commit(std::span<Pending* const> batch) {
  auto written = base::guarded("write", [&] { return write_batch(batch); });
  const base::MutexLock lock(queue_mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->result = written ? std::move((*written)[i])
                               : base::Result<ObjectPtr>(base::failure(written.error()));
  }
  finished_.notify_all();
}

std::vector<base::Result<ObjectPtr>> ObjectStore::write_batch(std::span<Pending* const> batch) {
  base::Status ready;
  if (must_reopen_) ready = reopen();
  Draft all{.revision = revision()};
  all.rows.reserve(batch.size());
  all.events.reserve(batch.size());
  all.results.reserve(batch.size());
  for (Pending* const one : batch) {
    auto drafted =
        base::guarded("write " + one->request.key.name, [&] { draft(one->request, all); });
    // What throws is the parsing or the copying of this one object, before it is part of the rows.
    if (!drafted) all.results.push_back(base::failure(drafted.error()));
  }
  if (ready && !all.rows.empty()) ready = append(all);
  if (ready) {
    // What is durable has happened, whether or not everybody can be told of it at once.
    static_cast<void>(publish(all.events));
    return std::move(all.results);
  }
  base::log_error("kube/server", "Could not write to the store",
                  {{"error", ready.error().message}});
  // A refusal that was decided against rows which were not written is withdrawn with them.
  return std::vector<base::Result<ObjectPtr>>(batch.size(), base::failure(ready.error()));
}

// Adds one request to the batch: a row, an event and a result, or a refusal. All or nothing: what
// may throw comes first.
void ObjectStore::draft(WriteRequest& request, Draft& draft) const {
  const auto earlier = draft.written.find(request.key);
  const ObjectPtr current = earlier != draft.written.end() ? earlier->second : get(request.key);
  if (auto admitted = admit(request, current); !admitted) {
    draft.results.push_back(base::failure(admitted.error()));
    return;
  }
  const int64_t revision = draft.revision + 1;
  const bool deleted = request.change == Change::Deleted;
  auto event = std::make_shared<Event>();
  event->revision = revision;
  event->change = request.change;
  event->previous = current;
  // A deletion leaves the last state behind for watchers, under the new revision.
  const auto state =
      deleted ? std::make_shared<nlohmann::json>(current->parse()) : std::move(request.object);
  event->object = make_object(request.key, revision, with_revision(*state, revision),
                              deleted ? current->indexed : std::move(request.indexed));
  if (!deleted) {
    (*state)["metadata"].erase("managedFields");
    event->state = state;
  }
  Row row{.revision = revision,
          .change = request.change,
          .key = request.key,
          .previous = current ? current->revision : 0,
          .text = event->object->text};
  draft.written.try_emplace(request.key).first->second = deleted ? nullptr : event->object;
  draft.rows.push_back(std::move(row));
  draft.results.emplace_back(event->object);
  draft.events.push_back(std::move(event));
  draft.revision = revision;
}

base::Status ObjectStore::append(const Draft& draft) {
  auto appended = core_->log->append(draft.rows);
  note_last_write(appended);
  if (appended) return {};
  return base::failure(note_failed_write(std::move(appended).error()));
}

// While nobody waits: an attempt costs a page, or the opening of a file that could not be written.
void ObjectStore::try_small_write() {
  const auto tried = base::guarded("try to write", [this]() -> base::Status {
    if (must_reopen_) RETURN_IF_ERROR(reopen());
    base::Status written = core_->log->try_write();
    if (!written) written = base::failure(note_failed_write(std::move(written).error()));
    note_last_write(written);
    return written;
  });
  if (!tried)
    base::log_warning("kube/server", "The store still cannot be written to",
                      {{"error", tried.error().message}});
}

base::Error ObjectStore::note_failed_write(base::Error error) {
  if (core_->log->in_doubt()) {
    must_reopen_ = true;
    error.message =
        "it is unknown whether this was stored, nothing more is until the file has been opened "
        "anew: " +
        error.message;
  }
  if (must_reopen_ || error.code == base::Code::Corrupt) {
    must_reopen_ = true;
    note_health(base::failure(error));
  }
  return error;
}

// What was written becomes what everybody sees.
base::Status ObjectStore::publish(const std::vector<EventPtr>& events) {
  if (events.empty()) return {};
  const auto seen = base::guarded("publish what was written", [&] {
    {
      const base::MutexLock lock(mutex_);
      for (const EventPtr& event : events)
        apply(event);
    }
    for (const Listener& listener : listeners_)
      listener(events);
  });
  if (seen) return {};
  // The file knows more than the memory: what is missing is read from it before the next write.
  must_reopen_ = true;
  base::log_error("kube/server", "Could not publish what was written",
                  {{"error", seen.error().message}});
  return seen;
}

// What the file holds is the truth: rows that nobody was told of are told now, and a file without
// the last row that somebody was told of is not the one that was written.
base::Status ObjectStore::reopen() {
  auto reopened = [this]() -> base::Status {
    core_->log.reset();  // it holds the lock
    ASSIGN_OR_RETURN(auto log, RevisionLog::open(options_.path, options_.durability));
    core_->log.emplace(std::move(log));
    const int64_t known = revision();
    bool found = known <= compacted();
    RETURN_IF_ERROR(read_rows(known, [&](const EventPtr& event) -> base::Status {
      if (event->revision != known) return publish({event});
      found = true;
      return {};
    }));
    if (found) return {};
    return base::failure(base::Code::Corrupt,
                         options_.path + ": revision " + std::to_string(known) +
                             " was stored and is not there any more (another file in its place?)");
  }();
  if (!reopened) {
    base::Error error = reopened.error().with_context("the file cannot be opened anew");
    note_health(base::failure(error));
    return base::failure(std::move(error));
  }
  must_reopen_ = false;
  note_health({});
  base::log_warning("kube/server", "Opened the store anew after a failed write", {});
  return {};
}

void ObjectStore::compact_if_needed() {
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
  untidy_ = true;
  if (!core_->log) return;
  // A crash before this: the rows are still there and the next start knows a little more history.
  if (auto compacted = core_->log->compact(horizon); !compacted) {
    note_damage(compacted.error());
    base::log_warning("kube/server", "Could not compact the store; trying again later",
                      {{"error", compacted.error().message}});
  }
}

// While nobody waits: what compaction freed goes back to the disk, portion by portion.
void ObjectStore::tidy() {
  untidy_ = false;
  if (!core_->log || must_reopen_) return;
  const auto shrunk = core_->log->shrink();
  if (shrunk) {
    untidy_ = *shrunk;
  } else {
    note_damage(shrunk.error());
    base::log_warning("kube/server", "Could not give free pages back to the disk; trying later",
                      {{"error", shrunk.error().message}});
  }
}

}  // namespace kube::server::storage
