#pragma once

// MemoryBudget: what all requests and answers of a server hold together: bodies being read or
// handled, answers and streams on their way. It counts; its owner decides who must go.
//
// Up to `limit` everything is taken. Above it new bodies are refused (take() says no) and `over` is
// called, so that the owner cuts off who is slowest. At limit and a quarter it is exhausted: from
// there on streams with more than a few KiB unsent end themselves, so that the sum is bounded
// however long the owner takes.
//
// Threads: any. `over` is called on the thread that went over, without a lock.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"

namespace base::http {

class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  // Bytes that are given back when it ends.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share();
    // Grows to `bytes`; false, and unchanged, if the budget has no room.
    bool grow_to(size_t bytes);
    [[nodiscard]] size_t bytes() const { return bytes_; }

   private:
    friend class MemoryBudget;
    Share(std::shared_ptr<MemoryBudget> budget, size_t bytes);
    std::shared_ptr<MemoryBudget> budget_;
    size_t bytes_ = 0;
  };

  // A text on its way to one or many streams: it exists once and is counted once.
  class Piece {
   public:
    Piece() = default;
    Piece(Piece&& other) noexcept;
    Piece& operator=(Piece&& other) noexcept;
    ~Piece();
    const std::string& operator*() const { return *text_; }
    const std::string* operator->() const { return text_.get(); }
    explicit operator bool() const { return text_ != nullptr; }

   private:
    friend class MemoryBudget;
    Piece(std::shared_ptr<MemoryBudget> budget, std::shared_ptr<const std::string> text);
    std::shared_ptr<MemoryBudget> budget_;
    std::shared_ptr<const std::string> text_;
  };

  explicit MemoryBudget(size_t limit, std::function<void()> over = {});

  // A share of nothing, to grow.
  Share none();
  // For what exists already and cannot be refused.
  Share force(size_t bytes);
  Piece hold(std::shared_ptr<const std::string> text);

  [[nodiscard]] size_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool exhausted() const { return used() > limit_ + limit_ / 4; }

 private:
  bool take(size_t bytes);
  void add(size_t bytes);
  void give(size_t bytes);
  void release(const std::string* text);

  const size_t limit_;
  const std::function<void()> over_;
  std::atomic<size_t> used_ = 0;
  Mutex mutex_;
  // How many streams hold each text.
  std::unordered_map<const std::string*, size_t> holders_ GUARDED_BY(mutex_);
};

}  // namespace base::http
