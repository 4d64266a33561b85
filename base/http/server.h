#pragma once

// Server: the one HTTP/1.1 server of the process (Boost.Beast behind a pimpl). It carries the
// Kubernetes API, metrics and health. One thread does all socket I/O; handlers run on a small pool
// of worker threads, so a handler may block on disk but must not wait for another request.
//
// A handler answers through its Responder exactly once: a whole response, a chunked stream (watch,
// logs -f) or a WebSocket. Streams outlive the handler and may be written from any thread.
//
// Limits come from ServerOptions; what exceeds them is answered 413, 431, 429 or 503. Any method is
// passed to the handler; HEAD is answered as GET without its body. Requests on one connection are
// answered one after the other, pipelined ones too.
//
// Who calls is judged by the head alone (ServerOptions::admit): without a valid token no body is
// read, and such connections have little room and little time of their own (connection_table.h).
// What all requests hold together is bounded (memory_budget.h).
//
// Threads: every method of every class here may be called from any thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/http/message.h"
#include "base/result.h"

namespace base::http {

// An open answer: chunks of a chunked body, or text frames of a WebSocket (one frame per write).
// Dropping the last reference closes it.
class Stream {
 public:
  virtual ~Stream() = default;
  // Queues the data; never blocks. The string is shared, not copied, so one event can go to a
  // thousand watchers. Empty data is dropped: an empty chunk would end the body. False once the
  // peer has gone or the stream was closed, or when more than ServerOptions::max_stream_backlog
  // bytes wait unsent (the stream is then closed: a slow reader must list again).
  virtual bool write(std::shared_ptr<const std::string> data) = 0;
  // Sends what is queued, then ends the body (the last chunk, or close frame 1000).
  virtual void close() = 0;
  [[nodiscard]] virtual bool closed() const = 0;
  // Called once when the stream has ended for any reason, on the I/O thread, which it must not
  // block. Called at once if it has ended already.
  virtual void on_close(std::function<void()> callback) = 0;
};

class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  // Sends the head and leaves the body open, chunked.
  virtual std::shared_ptr<Stream> stream(int status, Headers headers) = 0;
  // True when the request asks for an upgrade to a WebSocket, version 13.
  [[nodiscard]] virtual bool wants_websocket() const = 0;
  // Answers 101. What the peer sends is read and dropped, pings are answered.
  virtual std::shared_ptr<Stream> accept_websocket() = 0;
};

// A responder that is dropped unanswered sends 500.
using Handler = std::function<void(Request, std::shared_ptr<Responder>)>;

// What is decided of a request before its body is read.
struct Admission {
  // Set: the answer. The body is not read; if there is one, the connection is closed.
  std::optional<Response> refusal;
  // The caller has shown who it is: from now on its connection is among the last to be closed.
  bool trusted = false;
};
// Judges a request whose body is still empty. On the I/O thread: quick, and nothing that blocks.
using Admit = std::function<Admission(const Request& head)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: the system picks one
  // PEM files; both set: TLS 1.2 or newer. Read again when a connection comes in after they
  // changed.
  std::string tls_certificate_file;
  std::string tls_key_file;
  size_t worker_threads = 4;
  size_t max_body = size_t{3} << 20;  // as kube-apiserver
  size_t max_header = size_t{64} << 10;
  Admit admit;  // none: everybody is trusted
  size_t max_connections = 4096;
  size_t max_strangers = 512;  // of them not trusted yet; the oldest makes room
  size_t max_stranger_body = size_t{64} << 10;
  size_t max_queued_requests = 1024;  // waiting for a worker thread
  // Bytes of bodies that handlers work on at once (a body may cost many times its size there); more
  // wait in the queue.
  size_t max_handled_bytes = size_t{8} << 20;
  // Bodies, answers and streams together. Over it bodies are refused (429) and those who are
  // slowest to read are cut off.
  size_t memory_budget = size_t{256} << 20;
  size_t max_stream_backlog = size_t{16} << 20;
  // gzip answers of at least this size when the client accepts it (streams are never compressed).
  size_t gzip_from = size_t{128} << 10;
  std::chrono::milliseconds idle_timeout{120'000};
  // For a stranger: from its connection, or from its last answer, to the end of the next head.
  std::chrono::milliseconds stranger_timeout{10'000};
  std::chrono::milliseconds read_timeout{30'000};   // for the rest of a request once it has begun
  std::chrono::milliseconds write_timeout{60'000};  // without any progress, streams too
  std::chrono::milliseconds stop_timeout{5'000};    // then connections are cut off
};

struct ServerNumbers {
  size_t strangers = 0;
  size_t trusted = 0;
  uint64_t shed = 0;       // connections closed to make room
  uint64_t cut = 0;        // answers and streams given up: their peers read too slowly
  uint64_t refused = 0;    // requests refused for lack of room or memory
  size_t memory_used = 0;  // of memory_budget
};

class Server {
 public:
  // Binds and serves at once. Errors name the address: "listen on 127.0.0.1:8680: address already
  // in use (another sparkcron? choose another with --listen)".
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Handler handler);
  // Stops and waits: no new connections, streams closed, queued and running handlers finished,
  // what they answered sent. Peers that do not read it are cut off after stop_timeout.
  virtual ~Server() = default;
  [[nodiscard]] virtual std::string address() const = 0;  // "127.0.0.1"
  [[nodiscard]] virtual uint16_t port() const = 0;
  [[nodiscard]] virtual ServerNumbers numbers() const = 0;
  // Begins the stop without waiting, so that streams end while others still shut down.
  virtual void begin_stop() = 0;
};

}  // namespace base::http
