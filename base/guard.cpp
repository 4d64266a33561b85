#include "base/guard.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <string>

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"

namespace base {
namespace {

constexpr size_t kMaxThreadName = 15;                // of the kernel
constexpr std::chrono::milliseconds kBreather{100};  // a loop that always throws must not spin
std::atomic<uint64_t> g_caught{0};

Error error_of(std::string_view doing) {
  const std::string context = std::string(doing) + ": ";
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Code::ResourceExhausted, context + "out of memory"};
  } catch (const std::exception& exception) {
    return {Code::Internal, context + exception.what()};
  } catch (...) {
    return {Code::Internal, context + "an exception without a text"};
  }
}

void take_a_breath() {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const SteadyTime until = real_clock().steady_now() + kBreather;
  while (real_clock().wait_until(lock, never, until)) {
  }
}

void run_guarded(const std::string& name, const std::function<void()>& loop) {
  while (true) {
    const Status ended = guarded("thread " + name, loop);
    if (ended) return;
    // The log needs memory too.
    (void)guarded("log", [&] {
      log_error("base", "A thread's loop failed and begins anew",
                {{"thread", name}, {"error", ended.error().message}});
    });
    take_a_breath();
  }
}

}  // namespace

Error caught_error(std::string_view doing) noexcept {
  g_caught.fetch_add(1, std::memory_order_relaxed);
  try {
    return error_of(doing);
  } catch (...) {
    // Short enough for the string itself: no allocation.
    return {Code::ResourceExhausted, "out of memory"};
  }
}

uint64_t caught_exceptions() noexcept {
  return g_caught.load(std::memory_order_relaxed);
}

std::thread start_thread(std::string_view name, std::function<void()> loop) {
  return std::thread([name = std::string(name.substr(0, kMaxThreadName)), loop = std::move(loop)] {
    pthread_setname_np(pthread_self(), name.c_str());
    run_guarded(name, loop);
  });
}

}  // namespace base
