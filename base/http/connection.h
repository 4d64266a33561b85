#pragma once

// Connection: one peer from accept to close; reads the head of a request, lets it be judged, reads
// its body, waits for its answer, sends it, and reads the next. Only connection.cpp includes it,
// the one translation unit with Beast.
//
// Bytes come in by fill() alone, into a place of their own, and are parsed from a buffer: so a read
// that waits for the peer to go may go on while the buffer holds a pipelined request. What throws
// on the way ends this connection and no other.
//
// Threads: the I/O thread only; responders and streams come here through Engine::post.

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/http/engine.h"
#include "base/http/outbound.h"
#include "base/http/peer.h"
#include "base/http/response_head.h"
#include "base/http/transport.h"
#include "base/http/websocket_session.h"

namespace base::http {

class Connection final : public Peer, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Engine> engine, Transport::Socket socket, SSL* session);

  void start() override;
  void refuse() override;
  void stop() override;
  void abort() override { finish(); }
  void send(Answer answer) override;
  void open_stream(std::string head, std::shared_ptr<Outbound> outbound, AfterAnswer after,
                   bool chunked) override;
  void open_websocket(std::shared_ptr<Outbound> outbound) override;
  void wake() override;
  [[nodiscard]] Unread unread() const override;

 private:
  enum class Phase { Handshake, Idle, Head, Body, Handling, Sending, Streaming, Closing, Closed };
  using Parser = beast::http::request_parser<beast::http::string_body>;
  // A request on its way to its handler, and what its body takes of the budget.
  struct Job {
    Request request;
    MemoryBudget::Share share;
  };

  void next_request();
  void fill();
  void on_filled();
  void read_head();
  void on_head(error_code error);
  bool take_head();
  void admit();
  void begin_body();
  void read_body();
  void on_request();
  [[nodiscard]] bool keep_alive() const;
  void reject(int status, std::string_view reason);
  void reject(Response response);
  void answer_now(Response response, AfterAnswer after);
  // Runs a step of an asynchronous operation, unless the connection is closed by now.
  template <class Step>
  void step(Step&& step);

  void write_all(std::function<void()> then);
  void write_some();
  void on_written(error_code error, size_t bytes);
  void write_stream(std::function<void()> then);
  void flush_stream();
  void end_stream();
  void answered(AfterAnswer after);
  void linger();
  void cut_off();
  void finish();

  void set_deadline(std::chrono::milliseconds after);
  void clear_deadline() { deadline_ = kNever; }
  void arm_timer();

  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();

  const std::shared_ptr<Engine> engine_;
  Transport transport_;
  Phase phase_ = Phase::Handshake;
  std::string peer_;

  static constexpr size_t kReadAhead = size_t{8} << 10;
  std::array<char, kReadAhead> landing_{};  // of the read under way
  bool filling_ = false;                    // one is
  beast::flat_buffer buffer_;               // what came and is not parsed yet
  std::optional<Parser> parser_;
  std::shared_ptr<Job> job_;
  Standing standing_;
  bool input_left_ = false;  // the peer may still be sending a request that we refuse
  size_t drained_ = 0;

  Answer answer_;
  SteadyTime answering_since_ = SteadyTime::max();
  std::vector<asio::const_buffer> unsent_;
  size_t next_unsent_ = 0;
  std::function<void()> after_write_;

  std::shared_ptr<Outbound> outbound_;
  std::unique_ptr<WebSocketSession> websocket_;
  AfterAnswer after_stream_ = AfterAnswer::Close;
  bool chunked_ = false;
  bool writing_ = false;
  std::vector<std::string> chunk_heads_;
  Outbound::Batch batch_;

  asio::steady_timer timer_;
  std::chrono::steady_clock::time_point deadline_ = kNever;
  bool timer_armed_ = false;
};

}  // namespace base::http
