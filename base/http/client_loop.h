#pragma once

// CurlLoop: the one thread that owns the multi handle. Others leave it commands and wake it;
// curl_multi_wakeup is the only curl call that may come from another thread. No curl_multi call is
// made from inside a callback. What throws or is refused for one transfer ends that one. Private to
// base/http/client*.
//
// Threads: any.

#include <cstddef>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/http/client_transfer.h"
#include "base/mutex.h"

namespace base::http {

class CurlLoop {
 public:
  static Result<std::shared_ptr<CurlLoop>> start();
  ~CurlLoop();  // as stop()
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  void begin(std::shared_ptr<Transfer> transfer);
  // Goes on after a pause. Does nothing when the transfer has ended.
  void resume(std::shared_ptr<Transfer> transfer);
  // Takes the transfer out and closes its connection.
  void drop(std::shared_ptr<Transfer> transfer);
  // Ends every transfer as Cancelled and joins the thread. Later commands do nothing.
  void stop();

 private:
  struct Command {
    enum class Kind { Begin, Resume, Drop } kind;
    std::shared_ptr<Transfer> transfer;
  };

  explicit CurlLoop(CurlMulti multi);
  void post(Command command);
  void run();
  void obey_all();
  [[nodiscard]] Status obey(const Command& command);
  void reap();
  void end_all();

  const CurlMulti multi_;
  Mutex mutex_;
  std::vector<Command> commands_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  // The thread's own.
  std::vector<Command> taken_;
  size_t next_taken_ = 0;
  std::unordered_map<CURL*, std::shared_ptr<Transfer>> active_;
  Mutex join_mutex_;
  std::thread thread_ GUARDED_BY(join_mutex_);
};

}  // namespace base::http
