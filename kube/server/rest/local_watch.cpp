#include "kube/server/rest/local_watch.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "kube/server/objects/objects.h"

namespace kube::server::rest {
namespace {

// What an item takes beside the object that it shares.
constexpr size_t kItemBytes = 256;

size_t bytes_of(const WatchQueue::Item& item) {
  return kItemBytes + (item.object ? item.object->text.size() : 0);
}

// The text is the store's own: a cache of ten thousand objects has none of its own.
kube::PackedObject as_stored(storage::ObjectPtr object,
                             std::shared_ptr<const nlohmann::json> state) {
  kube::Identity identity{.key = {object->key.ns, object->key.name},
                          .uid = object->indexed.uid,
                          .resource_version = std::to_string(object->revision),
                          .owners = {}};
  for (const storage::Owner& owner : object->indexed.owners)
    if (!owner.uid.empty()) identity.owners.push_back(owner.uid);
  const std::string* text = &object->text;
  return {std::move(identity), std::shared_ptr<const std::string>(std::move(object), text),
          std::move(state)};
}

}  // namespace

bool WatchQueue::push(Item item) {
  std::deque<Item> dropped;  // freed without the lock
  const base::MutexLock lock(mutex_);
  if (ended_ || cancelled_) return false;
  bytes_ += bytes_of(item);
  if (bytes_ > backlog_) {
    failure_ = base::Error{.code = base::Code::Unavailable,
                           .message = "the watch was cut off: more than " +
                                      std::to_string(backlog_) + " bytes were not read"};
    ended_ = true;
    bytes_ = 0;
    dropped.swap(items_);
  } else {
    if (bytes_ > kMaxStateBytes && item.object) item.state = nullptr;
    items_.push_back(std::move(item));
  }
  changed_.notify_all();
  return !ended_;
}

void WatchQueue::end() {
  const base::MutexLock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void WatchQueue::fail(const base::Error& error) {
  const base::MutexLock lock(mutex_);
  if (!ended_) failure_ = error;
  ended_ = true;
  changed_.notify_all();
}

void WatchQueue::cancel() {
  std::function<void()> callback;
  std::deque<Item> dropped;
  {
    const base::MutexLock lock(mutex_);
    cancelled_ = true;
    callback.swap(on_cancel_);
    // Who has ended it has let go of it already, and may be gone.
    if (ended_) callback = nullptr;
    dropped.swap(items_);
    changed_.notify_all();
  }
  // Within a destructor, maybe. A queue that is closed is left at its next event at the latest.
  if (callback) (void)base::guarded("end a watch", callback);
}

bool WatchQueue::closed() const {
  const base::MutexLock lock(mutex_);
  return ended_ || cancelled_;
}

void WatchQueue::on_cancel(std::function<void()> callback) {
  {
    const base::MutexLock lock(mutex_);
    if (!cancelled_) {
      on_cancel_ = std::move(callback);
      return;
    }
  }
  (void)base::guarded("end a watch", callback);
}

base::Result<std::optional<kube::WatchEvent>> WatchQueue::next() {
  Item item;
  {
    base::MutexLock lock(mutex_);
    while (items_.empty() && !ended_ && !cancelled_)
      changed_.wait(lock);
    if (cancelled_) return base::failure(base::Code::Cancelled, "cancelled");
    if (items_.empty()) {
      if (failure_) return base::failure(*failure_);
      return std::nullopt;
    }
    item = std::move(items_.front());
    items_.pop_front();
    bytes_ -= bytes_of(item);
  }
  ASSIGN_OR_RETURN(kube::WatchEvent event, read(std::move(item)));
  return event;
}

base::Result<kube::WatchEvent> WatchQueue::read(Item item) const {
  if (item.object && resource_->stored_as_served())
    return kube::WatchEvent{.type = item.type,
                            .object = as_stored(std::move(item.object), std::move(item.state)),
                            .problem = {}};
  if (!item.state) {
    item.state = std::make_shared<const nlohmann::json>(
        objects::Objects::served(*resource_, *item.object, kManagedFieldsPath));
  }
  return kube::WatchEvent{
      .type = item.type, .object = kube::PackedObject(std::move(item.state)), .problem = {}};
}

}  // namespace kube::server::rest
