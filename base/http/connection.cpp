#include "base/http/connection.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/guard.h"
#include "base/http/http_responder.h"
#include "base/log.h"

namespace base::http {
namespace {

constexpr size_t kMaxPieces = 32;  // of one gathered write
constexpr size_t kMaxDrained = size_t{4} << 20;
constexpr std::chrono::milliseconds kLinger{2'000};

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Of input that is not parsed yet: the head of a request and what comes with it.
constexpr size_t max_buffered(size_t max_header) {
  return 2 * max_header;
}

Response too_busy(std::string_view reason) {
  Response response = plain_answer(429, reason);
  response.headers.add("Retry-After", "1");
  return response;
}

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
      buffer_(max_buffered(engine_->options.max_header) + kReadAhead),
      standing_(engine_->options.admit ? Standing::Stranger : Standing::Trusted),
      timer_(engine_->io) {
  error_code error;
  const auto endpoint = transport_.socket().remote_endpoint(error);
  if (!error) {
    const std::string address = endpoint.address().to_string();
    peer_ = (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
            std::to_string(endpoint.port());
  }
}

template <class Step>
void Connection::step(Step&& step) {
  if (phase_ == Phase::Closed) return;
  const Status done = guarded("serve a connection", std::forward<Step>(step));
  if (done) return;
  finish();
  log_error("base/http", "A connection failed", {{"peer", peer_}, {"error", done.error().message}});
}

void Connection::start() {
  if (!transport_.secure()) return step([this] { next_request(); });
  step([this] {
    // A peer that says nothing holds no more than its own connection.
    set_deadline(std::min(engine_->options.read_timeout, engine_->options.stranger_timeout));
    transport_.async_handshake([self = shared_from_this()](error_code error) {
      self->step([&] { error ? self->finish() : self->next_request(); });
    });
  });
}

void Connection::refuse() {
  if (transport_.secure()) return finish();
  step([this] { reject(503, "too many connections"); });
}

void Connection::stop() {
  if (phase_ == Phase::Handshake || phase_ == Phase::Idle) return finish();
  if (outbound_) outbound_->close();
}

void Connection::next_request() {
  if (engine_->stopping) return finish();
  phase_ = Phase::Idle;
  job_ = nullptr;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(engine_->options.max_header));
  parser_->body_limit(engine_->options.max_body);
  const bool stranger = standing_ == Standing::Stranger;
  set_deadline(stranger ? engine_->options.stranger_timeout : engine_->options.idle_timeout);
  engine_->table.idle(*this);
  if (buffer_.size() > 0) return read_head();
  buffer_.shrink_to_fit();
  fill();
}

void Connection::fill() {
  if (filling_) return;
  filling_ = true;
  transport_.async_read_some(
      asio::buffer(landing_), [self = shared_from_this()](error_code error, size_t bytes) {
        self->filling_ = false;
        self->step([&] {
          if (error) return self->finish();
          self->buffer_.commit(
              asio::buffer_copy(self->buffer_.prepare(bytes), asio::buffer(self->landing_, bytes)));
          self->on_filled();
        });
      });
}

void Connection::on_filled() {
  switch (phase_) {
    case Phase::Idle:
    case Phase::Head:
      return read_head();
    case Phase::Body:
      return read_body();
    case Phase::Streaming:
      // A request pipelined behind a stream waits until the stream has ended. We read on all the
      // same: only so do we see the peer go.
      if (buffer_.size() > max_buffered(engine_->options.max_header)) return finish();
      return fill();
    case Phase::Closing:
      drained_ += buffer_.size();
      buffer_.clear();
      if (drained_ > kMaxDrained) return finish();
      return fill();
    default:
      return;  // the next request waits for the answer to this one
  }
}

void Connection::read_head() {
  if (phase_ == Phase::Idle) {
    phase_ = Phase::Head;
    engine_->table.busy(*this);
    // A stranger's time goes on from where it was idle.
    if (standing_ == Standing::Trusted) set_deadline(engine_->options.read_timeout);
  }
  error_code error;
  buffer_.consume(parser_->put(buffer_.data(), error));
  if (error == beast::http::error::need_more) return fill();
  on_head(error);
}

void Connection::on_head(error_code error) {
  using beast::http::field;
  if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow)
    return reject(431, "the request's header is too large");
  if (error == beast::http::error::body_limit)
    return reject(413, "the request's body is too large");
  if (error && error.category() == make_error_code(beast::http::error::bad_method).category())
    return reject(400, "not an HTTP/1.1 request: " + error.message());
  if (error) return finish();
  const auto& message = parser_->get();
  if (message.version() == 11 && message.count(field::host) != 1)
    return reject(400, "exactly one Host header is needed");
  if (!take_head()) return reject(400, "malformed request target");
  admit();
}

// The request as its handler sees it, still without its body.
bool Connection::take_head() {
  const auto& message = parser_->get();
  auto target = parse_target({message.target().data(), message.target().size()});
  if (!target) return false;
  job_ = std::make_shared<Job>();
  Request& request = job_->request;
  request.method = to_text(message.method_string());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  for (const auto& header : message)
    request.headers.add(to_text(header.name_string()), to_text(header.value()));
  request.peer = peer_;
  return true;
}

void Connection::admit() {
  if (!engine_->options.admit) return begin_body();
  Admission admission = engine_->options.admit(job_->request);
  if (admission.trusted && standing_ == Standing::Stranger) {
    if (!engine_->table.trust(*this)) return reject(503, "too many connections");
    standing_ = Standing::Trusted;
    set_deadline(engine_->options.read_timeout);
  }
  if (!admission.refusal) return begin_body();
  if (!parser_->is_done()) return reject(std::move(*admission.refusal));
  answer_now(std::move(*admission.refusal),
             keep_alive() ? AfterAnswer::KeepOpen : AfterAnswer::Close);
}

void Connection::begin_body() {
  job_->share = engine_->budget->none();
  if (parser_->is_done()) return on_request();
  const size_t length = parser_->content_length().value_or(0);
  const size_t most = engine_->options.max_stranger_body;
  if (standing_ == Standing::Stranger) {
    if (length > most) return reject(413, "the request's body is too large");
    parser_->body_limit(most);
  }
  if (!job_->share.grow_to(length)) return reject(too_busy("too much is being read"));
  const beast::string_view expect = parser_->get()[beast::http::field::expect];
  if (!expect.empty() && !beast::iequals(expect, "100-continue"))
    return reject(417, "unknown expectation");
  phase_ = Phase::Body;
  set_deadline(engine_->options.read_timeout);
  parser_->eager(true);
  if (expect.empty()) return read_body();
  unsent_ = {as_buffer(kContinue)};
  write_all([this] { read_body(); });
}

void Connection::read_body() {
  while (!parser_->is_done()) {
    if (buffer_.size() == 0) return fill();
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == beast::http::error::body_limit)
      return reject(413, "the request's body is too large");
    if (error && error != beast::http::error::need_more)
      return reject(400, "malformed request body: " + error.message());
    // Of a chunked body nobody said how long it is.
    if (!job_->share.grow_to(parser_->get().body().capacity()))
      return reject(too_busy("too much is being read"));
    if (error) return fill();
  }
  on_request();
}

bool Connection::keep_alive() const {
  const auto& message = parser_->get();
  return message.version() == 11 && message.keep_alive();
}

void Connection::on_request() {
  using beast::http::field;
  phase_ = Phase::Handling;
  clear_deadline();
  auto& message = parser_->get();
  const std::shared_ptr<Job> job = std::exchange(job_, nullptr);
  job->request.body = std::move(message.body());
  auto responder = std::make_shared<HttpResponder>(
      engine_, weak_from_this(),
      HttpResponder::RequestTraits{
          .head = job->request.method == "HEAD",
          .safe = job->request.method == "GET" || job->request.method == "HEAD",
          .gzip = accepts_gzip(job->request.headers.get("Accept-Encoding")),
          .websocket = beast::websocket::is_upgrade(message) &&
                       message[field::sec_websocket_version] == "13" &&
                       message.count(field::sec_websocket_key) == 1,
          .chunks = message.version() == 11,
          .keep_alive = keep_alive()});
  const size_t cost = job->request.body.size();
  const bool queued = engine_->pool.submit(
      [engine = engine_, job, responder] { engine->handler(std::move(job->request), responder); },
      cost);
  if (queued) return;
  ++engine_->refusals;
  Response busy = plain_answer(503, "too many requests are waiting");
  busy.headers.add("Retry-After", "1");
  responder->send(std::move(busy));
}

void Connection::reject(int status, std::string_view reason) {
  reject(plain_answer(status, reason));
}

// Ends with the connection: the peer may still be sending what we do not read.
void Connection::reject(Response response) {
  input_left_ = true;
  if (response.status == 429 || response.status == 503) ++engine_->refusals;
  answer_now(std::move(response), AfterAnswer::Close);
}

void Connection::answer_now(Response response, AfterAnswer after) {
  Answer answer{.head = render_answer(response, after), .body = {}, .after = after, .share = {}};
  const bool head =
      parser_ && parser_->is_header_done() && parser_->get().method() == beast::http::verb::head;
  if (!head && may_have_body(response.status)) answer.body = std::move(response.body);
  send(std::move(answer));
}

void Connection::send(Answer answer) {
  step([&] {
    phase_ = Phase::Sending;
    job_ = nullptr;
    answer_ = std::move(answer);
    answering_since_ = real_clock().steady_now();
    unsent_ = {as_buffer(answer_.head), as_buffer(answer_.body)};
    set_deadline(engine_->options.write_timeout);
    write_all([this] {
      const AfterAnswer after = answer_.after;
      answer_ = {};
      answered(after);
    });
  });
}

// Writes unsent_ to its end; the deadline starts again with every progress. `then` runs while the
// operation that ended keeps this alive.
void Connection::write_all(std::function<void()> then) {
  next_unsent_ = 0;
  after_write_ = std::move(then);
  write_some();
}

void Connection::write_some() {
  while (next_unsent_ < unsent_.size() && unsent_[next_unsent_].size() == 0)
    ++next_unsent_;
  if (next_unsent_ == unsent_.size()) return std::exchange(after_write_, nullptr)();
  const Unsent view{unsent_.data() + next_unsent_, unsent_.data() + unsent_.size()};
  transport_.async_write_some(view, [self = shared_from_this()](error_code error, size_t bytes) {
    self->step([&] { self->on_written(error, bytes); });
  });
}

void Connection::on_written(error_code error, size_t bytes) {
  if (error) return finish();
  if (phase_ != Phase::Body) set_deadline(engine_->options.write_timeout);
  while (bytes > 0) {
    asio::const_buffer& buffer = unsent_[next_unsent_];
    const size_t part = std::min(bytes, buffer.size());
    buffer += part;
    bytes -= part;
    if (buffer.size() == 0) ++next_unsent_;
  }
  write_some();
}

void Connection::answered(AfterAnswer after) {
  if (after == AfterAnswer::Close) return linger();
  next_request();
}

Unread Connection::unread() const {
  if (phase_ == Phase::Sending) return {answer_.share.bytes(), answering_since_};
  if (!outbound_) return {};
  const Outbound::Backlog backlog = outbound_->backlog();
  return {backlog.bytes, backlog.since};
}

void Connection::open_stream(std::string head, std::shared_ptr<Outbound> outbound,
                             AfterAnswer after, bool chunked) {
  if (phase_ == Phase::Closed) return outbound->end();
  step([&] {
    phase_ = Phase::Streaming;
    outbound_ = std::move(outbound);
    after_stream_ = after;
    chunked_ = chunked;
    if (engine_->stopping) outbound_->close();
    fill();  // only to see the peer go
    answer_ = {.head = std::move(head), .body = {}, .after = after, .share = {}};
    unsent_ = {as_buffer(answer_.head)};
    write_stream([this] { flush_stream(); });
  });
}

// One write at a time; while one is under way the peer must make progress.
void Connection::write_stream(std::function<void()> then) {
  writing_ = true;
  set_deadline(engine_->options.write_timeout);
  write_all([this, then = std::move(then)] {
    writing_ = false;
    clear_deadline();
    then();
  });
}

void Connection::wake() {
  step([this] {
    if (outbound_ && outbound_->overflowed()) return cut_off();
    if (websocket_) return websocket_->send(shared_from_this());
    if (phase_ == Phase::Streaming) flush_stream();
  });
}

void Connection::flush_stream() {
  if (writing_) return;
  batch_ = outbound_->take(kMaxPieces);
  if (batch_.overflow) return cut_off();
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
  write_stream([this, bytes] {
    outbound_->sent(bytes);
    const bool last = batch_.last;
    batch_ = {};
    if (last) return end_stream();
    flush_stream();
  });
}

void Connection::end_stream() {
  std::exchange(outbound_, nullptr)->end();
  if (phase_ == Phase::Closed) return;  // a callback may have stopped us
  answered(engine_->stopping ? AfterAnswer::Close : after_stream_);
}

void Connection::open_websocket(std::shared_ptr<Outbound> outbound) {
  if (phase_ == Phase::Closed) return outbound->end();
  step([&] {
    phase_ = Phase::Streaming;
    outbound_ = std::move(outbound);
    // An upgrade pipelined behind a stream: the read that watched the stream is still under way.
    if (filling_) return finish();
    if (engine_->stopping) outbound_->close();
    // Both run while an operation keeps us alive.
    websocket_ = std::make_unique<WebSocketSession>(
        transport_, outbound_,
        [this](bool writing) {
          if (writing) return set_deadline(engine_->options.write_timeout);
          clear_deadline();
        },
        [this] {
          if (phase_ != Phase::Streaming) return;
          input_left_ = true;
          linger();
          if (auto ended = std::exchange(outbound_, nullptr)) ended->end();
        });
    websocket_->start(parser_->get(), shared_from_this());
  });
}

// Closing while the peer still sends would reset the connection and could destroy the answer on its
// way: so we end our side, and read and drop what comes until the peer ends its own.
void Connection::linger() {
  phase_ = Phase::Closing;
  set_deadline(kLinger);
  if (transport_.secure() && !input_left_ && !filling_) {
    return transport_.async_tls_shutdown(
        [self = shared_from_this()](error_code) { self->finish(); });
  }
  transport_.shutdown_send();
  buffer_.clear();
  fill();
}

void Connection::cut_off() {
  ++engine_->cut_off;
  log_warning("base/http", "Cut off a reader that is too slow", {{"peer", peer_}});
  finish();
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
    if (real_clock().steady_now() < self->deadline_) return self->step([&] { self->arm_timer(); });
    const bool writing = self->phase_ == Phase::Sending || self->phase_ == Phase::Streaming;
    writing ? self->cut_off() : self->finish();
  });
}

}  // namespace base::http
