#include "base/http/connection.h"

#include <array>
#include <string_view>

#include "base/http/http_responder.h"
#include "base/log.h"

namespace base::http {
namespace {

constexpr size_t kMaxPieces = 32;  // of one gathered write
constexpr size_t kReadAhead = size_t{8} << 10;
constexpr size_t kMaxDrained = size_t{4} << 20;
constexpr std::chrono::milliseconds kLinger{2'000};

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

asio::const_buffer as_buffer(std::string_view text) {
  return asio::buffer(text.data(), text.size());
}

// A view of the buffers still to write: Asio copies what it is given, so it gets two pointers.
struct Unsent {
  using value_type = asio::const_buffer;
  using const_iterator = const asio::const_buffer*;
  const_iterator first;
  const_iterator last;
  [[nodiscard]] const_iterator begin() const { return first; }
  [[nodiscard]] const_iterator end() const { return last; }
};

std::string to_text(beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::shared_ptr<Peer> make_connection(std::shared_ptr<Engine> engine, asio::ip::tcp::socket socket,
                                      SSL* session) {
  return std::make_shared<Connection>(std::move(engine), std::move(socket), session);
}

Connection::Connection(std::shared_ptr<Engine> engine, Transport::Socket socket, SSL* session)
    : engine_(std::move(engine)),
      transport_(std::move(socket), session),
      buffer_(2 * engine_->options.max_header + kReadAhead),
      timer_(engine_->io) {
  error_code error;
  const auto endpoint = transport_.socket().remote_endpoint(error);
  if (!error) {
    const std::string address = endpoint.address().to_string();
    peer_ = (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
            std::to_string(endpoint.port());
  }
}

void Connection::start() {
  if (!transport_.secure()) return next_request();
  // A peer that says nothing holds no more than its own connection.
  set_deadline(engine_->options.read_timeout);
  transport_.async_handshake([self = shared_from_this()](error_code error) {
    if (self->phase_ == Phase::Closed) return;
    if (error) return self->finish();
    self->next_request();
  });
}

void Connection::refuse() {
  if (transport_.secure()) return finish();
  reject(503, "too many connections");
}

void Connection::stop() {
  if (phase_ == Phase::Handshake || phase_ == Phase::Idle) return finish();
  if (outbound_) outbound_->close();
}

void Connection::next_request() {
  if (engine_->stopping) return finish();
  phase_ = Phase::Idle;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(engine_->options.max_header));
  parser_->body_limit(engine_->options.max_body);
  set_deadline(engine_->options.idle_timeout);
  if (buffer_.size() > 0) return read_header();
  fill();
}

void Connection::fill() {
  if (filling_) return;
  filling_ = true;
  transport_.async_read_some(buffer_.prepare(kReadAhead),
                             [self = shared_from_this()](error_code error, size_t bytes) {
                               self->filling_ = false;
                               if (self->phase_ == Phase::Closed) return;
                               if (error) return self->finish();
                               self->buffer_.commit(bytes);
                               self->on_filled();
                             });
}

void Connection::on_filled() {
  if (phase_ == Phase::Idle) return read_header();
  if (phase_ == Phase::Closing) {
    drained_ += buffer_.size();
    buffer_.clear();
    if (drained_ > kMaxDrained) return finish();
    return fill();
  }
  // A request pipelined behind a stream waits in the buffer until the stream has ended.
}

void Connection::read_header() {
  phase_ = Phase::Reading;
  set_deadline(engine_->options.read_timeout);
  beast::http::async_read_header(transport_, buffer_, *parser_,
                                 [self = shared_from_this()](error_code error, size_t) {
                                   if (self->phase_ != Phase::Closed) self->on_header(error);
                                 });
}

void Connection::on_header(error_code error) {
  using beast::http::field;
  if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow)
    return reject(431, "the request's header is too large");
  if (error == beast::http::error::body_limit)
    return reject(413, "the request's body is too large");
  if (error == beast::http::error::end_of_stream) return finish();
  if (error && error.category() == make_error_code(beast::http::error::bad_method).category())
    return reject(400, "not an HTTP/1.1 request: " + error.message());
  if (error) return finish();
  const auto& request = parser_->get();
  if (request.version() == 11 && request.count(field::host) != 1)
    return reject(400, "exactly one Host header is needed");
  const beast::string_view expect = request[field::expect];
  if (expect.empty() || parser_->is_done()) return read_body();
  if (!beast::iequals(expect, "100-continue")) return reject(417, "unknown expectation");
  unsent_ = {as_buffer(kContinue)};
  write_all([self = shared_from_this()] {
    self->set_deadline(self->engine_->options.read_timeout);
    self->read_body();
  });
}

void Connection::read_body() {
  if (parser_->is_done()) return on_request();
  beast::http::async_read(transport_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, size_t) {
                            if (self->phase_ == Phase::Closed) return;
                            if (error == beast::http::error::body_limit)
                              return self->reject(413, "the request's body is too large");
                            if (error) return self->finish();
                            self->on_request();
                          });
}

void Connection::on_request() {
  using beast::http::field;
  phase_ = Phase::Handling;
  clear_deadline();
  auto& message = parser_->get();
  auto target = parse_target({message.target().data(), message.target().size()});
  if (!target) return reject(400, "malformed request target");
  auto request = std::make_shared<Request>();
  request->method = to_text(message.method_string());
  request->path = std::move(target->path);
  request->query = std::move(target->query);
  for (const auto& header : message)
    request->headers.add(to_text(header.name_string()), to_text(header.value()));
  request->body = std::move(message.body());
  request->peer = peer_;
  const bool one_one = message.version() == 11;
  auto responder = std::make_shared<HttpResponder>(
      engine_, weak_from_this(),
      HttpResponder::RequestFacts{.head = request->method == "HEAD",
                                  .gzip = accepts_gzip(request->headers.get("Accept-Encoding")),
                                  .websocket = beast::websocket::is_upgrade(message) &&
                                               message[field::sec_websocket_version] == "13" &&
                                               message.count(field::sec_websocket_key) == 1,
                                  .chunks = one_one,
                                  .keep_alive = one_one && message.keep_alive()});
  const bool queued = engine_->pool.submit([engine = engine_, request, responder] {
    try {
      engine->handler(std::move(*request), responder);
    } catch (const std::exception& exception) {
      log_error("base/http", "A handler threw", {{"error", exception.what()}});
    }
  });
  if (queued) return;
  Response busy = plain_answer(503, "too many requests are waiting");
  busy.headers.add("Retry-After", "1");
  responder->send(std::move(busy));
}

void Connection::reject(int status, std::string_view reason) {
  input_left_ = true;
  Response response = plain_answer(status, reason);
  std::string head = render_answer(response, AfterAnswer::Close);
  send(std::move(head), std::move(response.body), AfterAnswer::Close);
}

void Connection::send(std::string head, std::string body, AfterAnswer after) {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Sending;
  head_ = std::move(head);
  body_ = std::move(body);
  unsent_ = {as_buffer(head_), as_buffer(body_)};
  set_deadline(engine_->options.write_timeout);
  write_all([self = shared_from_this(), after] {
    self->body_ = {};
    self->answered(after);
  });
}

// Writes unsent_ to its end; the deadline starts again with every progress.
void Connection::write_all(std::function<void()> then) {
  next_unsent_ = 0;
  const auto step = [self = shared_from_this(), then = std::move(then)](auto again) -> void {
    auto& unsent = self->unsent_;
    while (self->next_unsent_ < unsent.size() && unsent[self->next_unsent_].size() == 0)
      ++self->next_unsent_;
    if (self->next_unsent_ == unsent.size()) return then();
    const Unsent view{unsent.data() + self->next_unsent_, unsent.data() + unsent.size()};
    self->transport_.async_write_some(view, [self, again](error_code error, size_t bytes) {
      if (self->phase_ == Phase::Closed) return;
      if (error) return self->finish();
      if (self->phase_ == Phase::Sending) self->set_deadline(self->engine_->options.write_timeout);
      while (bytes > 0) {
        asio::const_buffer& buffer = self->unsent_[self->next_unsent_];
        const size_t part = std::min(bytes, buffer.size());
        buffer += part;
        bytes -= part;
        if (buffer.size() == 0) ++self->next_unsent_;
      }
      again(again);
    });
  };
  step(step);
}

void Connection::answered(AfterAnswer after) {
  if (after == AfterAnswer::Close) return linger();
  next_request();
}

void Connection::open_stream(std::string head, std::shared_ptr<Outbound> outbound,
                             AfterAnswer after, bool chunked) {
  if (phase_ == Phase::Closed) return outbound->end();
  phase_ = Phase::Streaming;
  outbound_ = std::move(outbound);
  after_stream_ = after;
  chunked_ = chunked;
  if (engine_->stopping) outbound_->close();
  if (buffer_.size() == 0) fill();  // only to see the peer go
  writing_ = true;
  head_ = std::move(head);
  unsent_ = {as_buffer(head_)};
  write_all([self = shared_from_this()] {
    self->writing_ = false;
    self->flush_stream();
  });
}

void Connection::wake() {
  if (outbound_ && outbound_->overflowed()) return finish();
  if (websocket_) return websocket_->send(shared_from_this());
  if (phase_ == Phase::Streaming) flush_stream();
}

void Connection::flush_stream() {
  if (writing_) return;
  batch_ = outbound_->take(kMaxPieces);
  if (batch_.overflow) return finish();
  if (batch_.data.empty() && !batch_.last) return;
  unsent_.clear();
  chunk_heads_.clear();
  chunk_heads_.reserve(batch_.data.size());  // buffers point into it
  size_t bytes = 0;
  for (const auto& piece : batch_.data) {
    bytes += piece->size();
    if (chunked_) {
      std::array<char, 20> text{};
      std::snprintf(text.data(), text.size(), "%zx\r\n", piece->size());
      unsent_.push_back(as_buffer(chunk_heads_.emplace_back(text.data())));
    }
    unsent_.push_back(as_buffer(*piece));
    if (chunked_) unsent_.push_back(as_buffer(kCrlf));
  }
  if (batch_.last && chunked_) unsent_.push_back(as_buffer(kLastChunk));
  writing_ = true;
  write_all([self = shared_from_this(), bytes] {
    self->writing_ = false;
    self->outbound_->sent(bytes);
    const bool last = self->batch_.last;
    self->batch_ = {};
    if (last) return self->end_stream();
    self->flush_stream();
  });
}

void Connection::end_stream() {
  std::exchange(outbound_, nullptr)->end();
  if (phase_ == Phase::Closed) return;  // a callback may have stopped us
  answered(engine_->stopping ? AfterAnswer::Close : after_stream_);
}

void Connection::open_websocket(std::shared_ptr<Outbound> outbound) {
  if (phase_ == Phase::Closed) return outbound->end();
  phase_ = Phase::Streaming;
  outbound_ = std::move(outbound);
  if (engine_->stopping) outbound_->close();
  // Runs while an operation keeps us alive.
  websocket_ = std::make_unique<WebSocketSession>(transport_, outbound_, [this] {
    if (phase_ != Phase::Streaming) return;
    input_left_ = true;
    linger();
    if (auto ended = std::exchange(outbound_, nullptr)) ended->end();
  });
  websocket_->start(parser_->get(), shared_from_this());
}

// Closing while the peer still sends would reset the connection and could destroy the answer on its
// way: so we end our side, and read and drop what comes until the peer ends its own.
void Connection::linger() {
  phase_ = Phase::Closing;
  set_deadline(kLinger);
  if (transport_.secure() && !input_left_ && !filling_) {
    return transport_.async_tls_shutdown([self = shared_from_this()](error_code) {
      if (self->phase_ != Phase::Closed) self->finish();
    });
  }
  transport_.shutdown_send();
  buffer_.clear();
  fill();
}

void Connection::finish() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  timer_.cancel();
  transport_.close();
  const auto self = shared_from_this();
  engine_->remove(self);
  if (auto outbound = std::exchange(outbound_, nullptr)) outbound->end();
}

void Connection::set_deadline(std::chrono::milliseconds after) {
  deadline_ = real_clock().steady_now() + after;
  if (!timer_armed_ || timer_.expiry() > deadline_) arm_timer();
}

void Connection::arm_timer() {
  timer_armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->phase_ == Phase::Closed) return;
    self->timer_armed_ = false;
    if (self->deadline_ == kNever) return;
    if (real_clock().steady_now() >= self->deadline_) return self->finish();
    self->arm_timer();
  });
}

}  // namespace base::http
