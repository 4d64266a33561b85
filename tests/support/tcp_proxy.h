#pragma once

// TcpProxy: forwards connections on loopback to a server until it is told to go silent: then the
// connections that it has stay open and nothing passes, as behind a router that has forgotten them
// or a process that was stopped. New ones are forwarded, or not, as told.
//
// Threads: any; one of its own for each connection. The destructor ends them all.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace tests {

class TcpProxy {
 public:
  explicit TcpProxy(uint16_t to);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Nothing passes any more on the connections that there are. Comes back when that is so.
  void silence();
  // The same for those to come; they are accepted.
  void silence_new() { new_are_silent_ = true; }
  void forward_new() { new_are_silent_ = false; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  struct Pipe {
    int client = -1;
    int server = -1;
    int wake[2] = {-1, -1};
    base::Mutex mutex;
    base::CondVar changed;
    bool silent GUARDED_BY(mutex) = false;
    bool is_silent GUARDED_BY(mutex) = false;  // its thread has seen it
    bool stopping GUARDED_BY(mutex) = false;
    bool ended GUARDED_BY(mutex) = false;
    std::thread thread;
  };
  void accept_all();
  void pump(Pipe& pipe);

  const uint16_t to_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> new_are_silent_ = false;
  std::atomic<int> connections_ = 0;
  base::Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Pipe>> pipes_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace tests
