#include "base/http/outbound.h"

#include <utility>

namespace base::http {

bool Outbound::write(std::shared_ptr<const std::string> data) {
  bool wake = false;
  bool accepted = true;
  {
    MutexLock lock(mutex_);
    if (closed_) return false;
    if (!data || data->empty()) return true;
    if (backlog_ + data->size() > max_backlog_) {
      closed_ = true;
      overflow_ = true;
      queue_.clear();
      wake = true;  // even while draining: the write under way may never end
      accepted = false;
    } else {
      backlog_ += data->size();
      queue_.push_back(std::move(data));
      wake = !draining_;
    }
    draining_ = true;
  }
  if (wake) wake_();
  return accepted;
}

void Outbound::close() {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    if (draining_) return;  // take() will find it
    draining_ = true;
  }
  wake_();
}

bool Outbound::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

void Outbound::on_close(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (!ended_) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool Outbound::overflowed() const {
  MutexLock lock(mutex_);
  return overflow_;
}

Outbound::Batch Outbound::take(size_t max_pieces) {
  MutexLock lock(mutex_);
  Batch batch;
  batch.overflow = overflow_;
  if (overflow_) return batch;
  while (!queue_.empty() && batch.data.size() < max_pieces) {
    batch.data.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  batch.last = closed_ && queue_.empty();
  // From here on a writer has to wake us again.
  draining_ = !batch.data.empty() || batch.last;
  return batch;
}

void Outbound::sent(size_t bytes) {
  MutexLock lock(mutex_);
  backlog_ -= bytes;
}

void Outbound::end() {
  std::vector<std::function<void()>> callbacks;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    closed_ = true;
    queue_.clear();
    callbacks.swap(callbacks_);
  }
  for (const auto& callback : callbacks)
    callback();
}

}  // namespace base::http
