#pragma once

// HttpResponder: how a handler answers one request, from whatever thread it is on. Answers that
// nobody gave become a 500.
//
// Threads: as Responder; what it does to the peer is posted to the I/O thread.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/http/engine.h"
#include "base/http/peer.h"
#include "base/http/response_head.h"
#include "base/http/server.h"

namespace base::http {

Response plain_answer(int status, std::string_view text);
std::string render_answer(const Response& response, AfterAnswer after);

class HttpResponder final : public Responder {
 public:
  struct RequestTraits {
    bool head = false;
    bool safe = false;  // GET or HEAD: may be refused after the fact
    bool gzip = false;
    bool websocket = false;
    bool chunks = true;  // HTTP/1.1
    bool keep_alive = true;
  };

  HttpResponder(std::shared_ptr<Engine> engine, std::weak_ptr<Peer> peer, RequestTraits facts);
  ~HttpResponder() override;

  void send(Response response) override;
  std::shared_ptr<Stream> stream(int status, Headers headers) override;
  [[nodiscard]] bool wants_websocket() const override { return facts_.websocket; }
  std::shared_ptr<Stream> accept_websocket() override;

 private:
  [[nodiscard]] AfterAnswer after_answer() const;
  void send_answer(Response response);
  std::shared_ptr<Outbound> new_outbound();
  // Runs the function on the I/O thread; `outbound` ends there if the peer has gone.
  template <class Function>
  void post(Function function, std::shared_ptr<Outbound> outbound = nullptr);

  const std::shared_ptr<Engine> engine_;
  const std::weak_ptr<Peer> peer_;
  const RequestTraits facts_;
  std::atomic<bool> answered_ = false;
};

}  // namespace base::http
