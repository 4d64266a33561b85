#pragma once

// Peer: one connection as the rest of the server sees it, so that only its implementation includes
// Beast, which takes long to compile.
//
// Threads: the I/O thread only.

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <openssl/types.h>

#include "base/clock.h"
#include "base/http/memory_budget.h"
#include "base/http/outbound.h"
#include "base/http/response_head.h"

namespace base::http {

struct Engine;

// A whole answer as it goes to the wire.
struct Answer {
  std::string head;
  std::string body;
  AfterAnswer after = AfterAnswer::Close;
  MemoryBudget::Share share;  // of the body
};

// What waits for a peer to read it, and since when the peer has been behind.
struct Unread {
  size_t bytes = 0;
  SteadyTime since = SteadyTime::max();
};

class Peer {
 public:
  virtual ~Peer() = default;

  virtual void start() = 0;
  // Answers 503 and closes: the server is full.
  virtual void refuse() = 0;
  // The server stops: ends what may end now; the rest closes after its answer.
  virtual void stop() = 0;
  // Closes now, whatever is under way.
  virtual void abort() = 0;

  // The answer to the request being handled.
  virtual void send(Answer answer) = 0;
  virtual void open_stream(std::string head, std::shared_ptr<Outbound> outbound, AfterAnswer after,
                           bool chunked) = 0;
  virtual void open_websocket(std::shared_ptr<Outbound> outbound) = 0;
  // The open stream has something to send.
  virtual void wake() = 0;
  [[nodiscard]] virtual Unread unread() const = 0;
};

// `session` may be null: no TLS. Owned from here on.
std::shared_ptr<Peer> make_connection(std::shared_ptr<Engine> engine,
                                      boost::asio::ip::tcp::socket socket, SSL* session);

}  // namespace base::http
