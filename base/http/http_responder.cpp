#include "base/http/http_responder.h"

#include <utility>

#include "base/check.h"

namespace base::http {
namespace {

constexpr size_t kAlwaysSent = size_t{16} << 10;  // of an answer, however little memory there is

}  // namespace

Response plain_answer(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::string(text) + "\n"};
}

std::string render_answer(const Response& response, AfterAnswer after) {
  HeadOptions options{.status = response.status,
                      .after = after,
                      .content_length = std::nullopt,
                      .chunked = false,
                      .date = real_clock().now()};
  if (may_have_body(response.status)) options.content_length = response.body.size();
  return render_head(response.headers, options);
}

HttpResponder::HttpResponder(std::shared_ptr<Engine> engine, std::weak_ptr<Peer> peer,
                             RequestTraits facts)
    : engine_(std::move(engine)), peer_(std::move(peer)), facts_(facts) {}

HttpResponder::~HttpResponder() {
  if (!answered_.exchange(true)) send_answer(plain_answer(500, "the request was not answered"));
}

template <class Function>
void HttpResponder::post(Function function, std::shared_ptr<Outbound> outbound) {
  engine_->post(
      [peer = peer_, function = std::move(function), outbound = std::move(outbound)]() mutable {
        if (auto alive = peer.lock())
          function(*alive);
        else if (outbound)
          outbound->end();
      });
}

void HttpResponder::send(Response response) {
  CHECK(!answered_.exchange(true));
  send_answer(std::move(response));
}

std::shared_ptr<Stream> HttpResponder::stream(int status, Headers headers) {
  CHECK(!answered_.exchange(true));
  const bool body = !facts_.head && may_have_body(status);
  const AfterAnswer after = facts_.chunks ? after_answer() : AfterAnswer::Close;
  std::string head = render_head(headers, {.status = status,
                                           .after = after,
                                           .content_length = std::nullopt,
                                           .chunked = body && facts_.chunks,
                                           .date = real_clock().now()});
  auto outbound = new_outbound();
  post(
      [head = std::move(head), outbound, after, body, chunks = facts_.chunks](Peer& peer) mutable {
        if (body) return peer.open_stream(std::move(head), outbound, after, chunks);
        outbound->end();
        peer.send({.head = std::move(head), .body = {}, .after = after, .share = {}});
      },
      outbound);
  return std::make_shared<StreamHandle>(std::move(outbound));
}

std::shared_ptr<Stream> HttpResponder::accept_websocket() {
  CHECK(!answered_.exchange(true));
  CHECK(facts_.websocket);
  auto outbound = new_outbound();
  post([outbound](Peer& peer) { peer.open_websocket(outbound); }, outbound);
  return std::make_shared<StreamHandle>(std::move(outbound));
}

AfterAnswer HttpResponder::after_answer() const {
  return facts_.keep_alive && !engine_->stopping ? AfterAnswer::KeepOpen : AfterAnswer::Close;
}

void HttpResponder::send_answer(Response response) {
  // What only reads may be asked again; what wrote must be told.
  if (facts_.safe && response.body.size() > kAlwaysSent && engine_->budget->exhausted()) {
    ++engine_->refusals;
    response = plain_answer(429, "too much waits to be sent");
    response.headers.add("Retry-After", "1");
  }
  if (facts_.gzip && may_have_body(response.status) &&
      response.body.size() >= engine_->options.gzip_from &&
      !response.headers.has("Content-Encoding")) {
    if (auto packed = gzip(response.body)) {
      response.body = std::move(*packed);
      response.headers.set("Content-Encoding", "gzip");
      response.headers.add("Vary", "Accept-Encoding");
    }
  }
  const AfterAnswer after = after_answer();
  std::string head = render_answer(response, after);
  if (facts_.head || !may_have_body(response.status)) response.body.clear();
  Answer answer{
      .head = std::move(head), .body = std::move(response.body), .after = after, .share = {}};
  answer.share = engine_->budget->force(answer.body.capacity());
  post([answer = std::move(answer)](Peer& peer) mutable { peer.send(std::move(answer)); });
}

std::shared_ptr<Outbound> HttpResponder::new_outbound() {
  return std::make_shared<Outbound>(engine_->options.max_stream_backlog, engine_->budget,
                                    [engine = engine_, peer = peer_] {
                                      engine->post([peer] {
                                        if (auto alive = peer.lock()) alive->wake();
                                      });
                                    });
}

}  // namespace base::http
