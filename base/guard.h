#pragma once

// Guards: what throws inside them becomes an Error instead of the end of the process. Every thread
// starts through start_thread(), and every step that works for one object (a key of a queue, a pod,
// a request) runs inside guarded(), so that the object fails and the others go on.
//
//   const Status done = guarded("reconcile default/etl", [&] { return reconciler.run(key); });
//
// std::bad_alloc is ResourceExhausted ("reconcile default/etl: out of memory"); anything else is
// Internal, with the exception's text. A guard says nothing by itself: report what it returns.
//
// Threads: any.

#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace base {

// Only inside a catch block. Never throws, even without memory.
[[nodiscard]] Error caught_error(std::string_view doing) noexcept;
// How many exceptions guards have caught since the start: each is a bug of ours or a lack of
// memory.
[[nodiscard]] uint64_t caught_exceptions() noexcept;

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};

// What `step` returns, as a Result: a Result stays as it is, void becomes a Status.
template <class Step>
[[nodiscard]] auto guarded(std::string_view doing, Step&& step) {
  using Value = std::invoke_result_t<Step>;
  using Out = typename std::conditional_t<IsResult<Value>::value, std::type_identity<Value>,
                                          std::type_identity<Result<Value>>>::type;
  try {
    if constexpr (std::is_void_v<Value>) {
      std::forward<Step>(step)();
      return Out{};
    } else {
      return Out(std::forward<Step>(step)());
    }
  } catch (...) {
    return Out(failure(caught_error(doing)));
  }
}

// Starts a thread with a name (at most 15 characters; longer ones are cut) that runs `loop` until
// it returns. If `loop` throws, that is logged, and it is called again after a moment: it must be a
// loop over shared state that can be entered anew, and whose end is a return.
[[nodiscard]] std::thread start_thread(std::string_view name, std::function<void()> loop);

}  // namespace base
