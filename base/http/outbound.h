#pragma once

// Outbound: the queue between the writers of a stream and the I/O thread that sends it. It knows
// nothing of sockets: the connection takes batches, reports what was sent and how it ended.
//
// Threads: the methods of Stream from any thread; take(), sent() and end() from the I/O thread.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/http/server.h"
#include "base/mutex.h"

namespace base::http {

class Outbound {
 public:
  struct Batch {
    std::vector<std::shared_ptr<const std::string>> data;
    bool last = false;      // nothing follows: end the body
    bool overflow = false;  // too much was waiting: cut the peer off
  };

  // `wake` tells the I/O thread to call take(). It is called only while none is under way, so a
  // burst of writes wakes once; always without the lock.
  Outbound(size_t max_backlog, std::function<void()> wake)
      : max_backlog_(max_backlog), wake_(std::move(wake)) {}

  bool write(std::shared_ptr<const std::string> data);
  void close();
  [[nodiscard]] bool closed() const;
  void on_close(std::function<void()> callback);

  // What to send next, at most `max_pieces`. An empty batch that is neither last nor overflow means
  // wait for `wake`.
  Batch take(size_t max_pieces);
  [[nodiscard]] bool overflowed() const;
  void sent(size_t bytes);
  // The stream is over; runs the callback. Later calls do nothing.
  void end();

 private:
  const size_t max_backlog_;
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<const std::string>> queue_ GUARDED_BY(mutex_);
  size_t backlog_ GUARDED_BY(mutex_) = 0;  // queued and being sent
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
