#include "base/http/memory_budget.h"

#include <utility>

namespace base::http {
namespace {

// What a queued text costs besides its bytes: its header, its place in a queue and in the table.
constexpr size_t kPieceOverhead = 128;

size_t cost_of(const std::string& text) {
  return text.capacity() + kPieceOverhead;
}

}  // namespace

MemoryBudget::Share::Share(std::shared_ptr<MemoryBudget> budget, size_t bytes)
    : budget_(std::move(budget)), bytes_(bytes) {}

MemoryBudget::Share::Share(Share&& other) noexcept
    : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryBudget::Share& MemoryBudget::Share::operator=(Share&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MemoryBudget::Share::~Share() {
  if (budget_) budget_->give(bytes_);
}

bool MemoryBudget::Share::grow_to(size_t bytes) {
  if (!budget_ || bytes <= bytes_) return true;
  if (!budget_->take(bytes - bytes_)) return false;
  bytes_ = bytes;
  return true;
}

MemoryBudget::Piece::Piece(std::shared_ptr<MemoryBudget> budget,
                           std::shared_ptr<const std::string> text)
    : budget_(std::move(budget)), text_(std::move(text)) {}

MemoryBudget::Piece::Piece(Piece&& other) noexcept = default;

MemoryBudget::Piece& MemoryBudget::Piece::operator=(Piece&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(text_, other.text_);
  return *this;
}

MemoryBudget::Piece::~Piece() {
  if (budget_ && text_) budget_->release(text_.get());
}

MemoryBudget::MemoryBudget(size_t limit, std::function<void()> over)
    : limit_(limit), over_(std::move(over)) {}

MemoryBudget::Share MemoryBudget::none() {
  return {shared_from_this(), 0};
}

MemoryBudget::Share MemoryBudget::force(size_t bytes) {
  Share share(shared_from_this(), bytes);
  add(bytes);
  return share;
}

MemoryBudget::Piece MemoryBudget::hold(std::shared_ptr<const std::string> text) {
  bool first = false;
  const size_t cost = cost_of(*text);
  {
    MutexLock lock(mutex_);
    first = holders_[text.get()]++ == 0;
  }
  Piece piece(shared_from_this(), std::move(text));
  if (first) add(cost);
  return piece;
}

bool MemoryBudget::take(size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_ || used > limit_ - bytes) {
      if (over_) over_();
      return false;
    }
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

void MemoryBudget::add(size_t bytes) {
  const size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes > limit_ && over_) over_();
}

void MemoryBudget::give(size_t bytes) {
  used_.fetch_sub(bytes, std::memory_order_relaxed);
}

void MemoryBudget::release(const std::string* text) {
  {
    MutexLock lock(mutex_);
    const auto found = holders_.find(text);
    if (--found->second > 0) return;
    holders_.erase(found);
  }
  give(cost_of(*text));
}

}  // namespace base::http
