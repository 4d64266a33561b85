#include "base/http/outbound.h"

#include <utility>

namespace base::http {
namespace {

// Of one stream, however little memory there is: who keeps up does not pay for those who do not.
constexpr size_t kAlwaysKept = size_t{16} << 10;

}  // namespace

bool Outbound::write(std::shared_ptr<const std::string> data) {
  bool wake = false;
  bool accepted = true;
  {
    MutexLock lock(mutex_);
    if (closed_) return false;
    if (!data || data->empty()) return true;
    const size_t backlog = backlog_.bytes + data->size();
    if (backlog > max_backlog_ || (backlog > kAlwaysKept && budget_->exhausted())) {
      closed_ = true;
      overflow_ = true;
      queue_.clear();
      wake = true;  // even while draining: the write under way may never end
      accepted = false;
    } else {
      if (backlog_.bytes == 0) backlog_.since = real_clock().steady_now();
      backlog_.bytes += data->size();
      queue_.push_back(budget_->hold(std::move(data)));
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
  backlog_.bytes -= bytes;
  if (backlog_.bytes == 0) backlog_.since = SteadyTime::max();
}

Outbound::Backlog Outbound::backlog() const {
  MutexLock lock(mutex_);
  return backlog_;
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
