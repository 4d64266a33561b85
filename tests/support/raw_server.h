#pragma once

// RawServer: a TCP server whose behaviour is a script per connection, for what a well-behaved HTTP
// server never does: half answers, silence, resets.
//
// Threads: the script runs on one thread per connection; the destructor ends them all.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace tests {

class RawServer {
 public:
  struct Message {
    std::string head;  // request line and fields
    std::string body;
  };
  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    // The next request with a Content-Length body; nullopt when the connection ended.
    std::optional<Message> read();
    bool write(std::string_view bytes);
    // An answer with Content-Length.
    bool answer(int status, std::string_view body, std::string_view extra_fields = "");
    bool start_chunked(int status = 200);
    bool chunk(std::string_view data);
    // Blocks until the other side has closed.
    void await_close();
    void reset();  // RST instead of FIN at the end

   private:
    int socket_;
    std::string buffer_;
  };
  using Script = std::function<void(Peer&)>;

  explicit RawServer(Script script);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all();

  const Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  base::Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<int> sockets_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace tests
