#pragma once

// Outbound: the queue between the writers of a stream and the I/O thread that sends it. It knows
// nothing of sockets: the connection takes batches, reports what was sent and how it ended. A
// stream whose backlog is over its own limit, or that grows while the server's budget is exhausted,
// ends.
//
// Threads: the methods of Stream from any thread; take(), sent() and end() from the I/O thread.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/memory_budget.h"
#include "base/http/server.h"
#include "base/mutex.h"

namespace base::http {

class Outbound {
 public:
  using Piece = MemoryBudget::Piece;
  struct Batch {
    std::vector<Piece> data;
    bool last = false;      // nothing follows: end the body
    bool overflow = false;  // too much was waiting: cut the peer off
  };

  // `wake` tells the I/O thread to call take(). It is called only while none is under way, so a
  // burst of writes wakes once; always without the lock.
  Outbound(size_t max_backlog, std::shared_ptr<MemoryBudget> budget, std::function<void()> wake)
      : max_backlog_(max_backlog), budget_(std::move(budget)), wake_(std::move(wake)) {}

  bool write(std::shared_ptr<const std::string> data);
  void close();
  [[nodiscard]] bool closed() const;
  void on_close(std::function<void()> callback);

  // What to send next, at most `max_pieces`. An empty batch that is neither last nor overflow means
  // wait for `wake`.
  Batch take(size_t max_pieces);
  [[nodiscard]] bool overflowed() const;
  void sent(size_t bytes);
  // Bytes that wait or are being sent, and since when some did.
  struct Backlog {
    size_t bytes = 0;
    SteadyTime since = SteadyTime::max();
  };
  [[nodiscard]] Backlog backlog() const;
  // The stream is over; runs the callback. Later calls do nothing.
  void end();

 private:
  const size_t max_backlog_;
  const std::shared_ptr<MemoryBudget> budget_;
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  std::deque<Piece> queue_ GUARDED_BY(mutex_);
  Backlog backlog_ GUARDED_BY(mutex_);  // queued and being sent
  bool draining_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  bool overflow_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> callbacks_ GUARDED_BY(mutex_);
};

// What a handler holds: closes the stream when the last owner lets go.
class StreamHandle final : public Stream {
 public:
  explicit StreamHandle(std::shared_ptr<Outbound> outbound) : outbound_(std::move(outbound)) {}
  ~StreamHandle() override { outbound_->close(); }
  bool write(std::shared_ptr<const std::string> data) override {
    return outbound_->write(std::move(data));
  }
  void close() override { outbound_->close(); }
  [[nodiscard]] bool closed() const override { return outbound_->closed(); }
  void on_close(std::function<void()> callback) override {
    outbound_->on_close(std::move(callback));
  }

 private:
  const std::shared_ptr<Outbound> outbound_;
};

}  // namespace base::http
