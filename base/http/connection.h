#pragma once

// Connection: one peer from accept to close; reads a request, waits for its answer, sends it, and
// reads the next. Only connection.cpp includes it, the one translation unit with Beast.
//
// Threads: the I/O thread only; responders and streams come here through Engine::post.

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
  void send(std::string head, std::string body, AfterAnswer after) override;
  void open_stream(std::string head, std::shared_ptr<Outbound> outbound, AfterAnswer after,
                   bool chunked) override;
  void open_websocket(std::shared_ptr<Outbound> outbound) override;
  void wake() override;

 private:
  enum class Phase { Handshake, Idle, Reading, Handling, Sending, Streaming, Closing, Closed };
  using Parser = beast::http::request_parser<beast::http::string_body>;

  void next_request();
  void fill();
  void on_filled();
  void read_header();
  void on_header(error_code error);
  void read_body();
  void on_request();
  void reject(int status, std::string_view reason);

  void write_all(std::function<void()> then);
  void flush_stream();
  void end_stream();
  void answered(AfterAnswer after);
  void linger();
  void finish();

  void set_deadline(std::chrono::milliseconds after);
  void clear_deadline() { deadline_ = kNever; }
  void arm_timer();

  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();

  const std::shared_ptr<Engine> engine_;
  Transport transport_;
  Phase phase_ = Phase::Handshake;
  std::string peer_;

  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  // One read is under way that only waits for the peer; then buffer_ is empty.
  bool filling_ = false;
  bool input_left_ = false;  // the peer may still be sending a request that we refuse
  size_t drained_ = 0;

  std::string head_;
  std::string body_;
  std::vector<asio::const_buffer> unsent_;
  size_t next_unsent_ = 0;

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
