#pragma once

// WatchQueue: between the watch hub, which must not wait, and one reader in this process: events as
// the store's own objects, nothing copied. What is unread is bounded by the bytes of the objects'
// text; who is behind by more is cut off and comes back, as over HTTP. LocalWatch is the reader's
// end of it.
//
// The trees that writers left (Event::state) are shared by all readers, and so is the text. What is
// served in another form than it is stored in is parsed by the reader, on its own thread.
//
// Threads: push() and end() on the hub's thread, next() on the reader's, cancel() from any.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "base/mutex.h"
#include "kube/api.h"
#include "kube/server/storage/watch_hub.h"
#include "kube/server/types/resource.h"

namespace kube::server::rest {

class WatchQueue {
 public:
  // Unread objects beyond this come without their trees, which are many times their text.
  static constexpr size_t kMaxStateBytes = size_t{1} << 20;

  WatchQueue(types::ResourcePtr resource, size_t backlog)
      : resource_(std::move(resource)), backlog_(backlog) {}

  struct Item {
    kube::WatchEvent::Type type = kube::WatchEvent::Type::Added;
    storage::ObjectPtr object;                    // null for bookmarks
    std::shared_ptr<const nlohmann::json> state;  // null: there is the text
    storage::Frame held;                          // counts as unsent until it is read
  };
  // False: nobody reads any more.
  bool push(Item item);
  void end();                           // in order, after what is queued
  void fail(const base::Error& error);  // after what is queued
  void cancel();                        // now
  [[nodiscard]] bool closed() const;
  // Called by cancel(), or at once after it.
  void on_cancel(std::function<void()> callback);
  base::Result<std::optional<kube::WatchEvent>> next();

 private:
  [[nodiscard]] base::Result<kube::WatchEvent> read(Item item) const;

  const types::ResourcePtr resource_;
  const size_t backlog_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Item> items_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  bool ended_ GUARDED_BY(mutex_) = false;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  std::optional<base::Error> failure_ GUARDED_BY(mutex_);
  std::function<void()> on_cancel_ GUARDED_BY(mutex_);
};

class LocalWatch final : public kube::Watch {
 public:
  LocalWatch(std::shared_ptr<WatchQueue> queue, const std::stop_token& stop)
      : queue_(std::move(queue)), stop_(stop, [raw = queue_.get()] { raw->cancel(); }) {}
  ~LocalWatch() override { queue_->cancel(); }
  base::Result<std::optional<kube::WatchEvent>> next() override { return queue_->next(); }
  void cancel() override { queue_->cancel(); }

 private:
  const std::shared_ptr<WatchQueue> queue_;
  const std::stop_callback<std::function<void()>> stop_;
};

}  // namespace kube::server::rest
