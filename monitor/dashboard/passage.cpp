#include "monitor/dashboard/passage.h"

#include <optional>
#include <string>
#include <utility>

#include "base/guard.h"
#include "base/result.h"

namespace monitor::dashboard {
namespace {

using base::http::Headers;
using base::http::Request;
using base::http::Responder;
using base::http::Stream;

// A log may be silent for hours, a watch says something every minute.
constexpr std::chrono::milliseconds kWatchSilence{90'000};
constexpr std::chrono::milliseconds kNever{0};

bool is_true(const Request& request, const char* parameter) {
  const auto value = request.parameter(parameter);
  return value && (*value == "true" || *value == "1");
}

// Of the browser's headers only what shapes the answer and who asks.
Request as_the_person(const Request& request) {
  Request passed{.method = request.method,
                 .path = request.path,
                 .query = request.query,
                 .headers = {{"User-Agent", "sparkcron-dashboard"}},
                 .body = request.body,
                 .peer = ""};
  for (const char* name : {"Authorization", "Accept", "Content-Type"})
    if (request.headers.has(name)) passed.headers.add(name, std::string(request.headers.get(name)));
  return passed;
}

Headers headers_of(const Headers& answered) {
  Headers headers{{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  if (answered.has("Content-Type"))
    headers.add("Content-Type", std::string(answered.get("Content-Type")));
  return headers;
}

void say(Responder& responder, int status, const std::string& text) {
  responder.send(
      {.status = status,
       .headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
       .body = text});
}

}  // namespace

Passage::~Passage() {
  stop();
}

void Passage::pass(const Request& request, const std::shared_ptr<Responder>& responder) {
  // A request without a token would be somebody else's: that of the client's certificate, say.
  if (!request.headers.has("Authorization")) return say(*responder, 401, "a token is needed");
  const Request passed = as_the_person(request);
  if (is_true(request, "watch") || is_true(request, "follow"))
    return pass_stream(passed, *responder);
  auto answer = client_->send(passed, requests_.get_token());
  if (!answer)
    return say(*responder, 502, "the API server was not reached: " + answer.error().message);
  responder->send({.status = answer->status,
                   .headers = headers_of(answer->headers),
                   .body = std::move(answer->body)});
}

void Passage::pass_stream(const Request& request, Responder& responder) {
  std::vector<std::thread> over;
  bool room = false;
  {
    base::MutexLock lock(mutex_);
    over = take_over();
    room = !stopping_ && flows_.size() < max_streams_;
  }
  for (std::thread& thread : over)
    thread.join();
  if (!room) return say(responder, 429, "too many pages follow something: try again");
  auto opened = client_->open(request, is_true(request, "watch") ? kWatchSilence : kNever,
                              requests_.get_token());
  if (!opened)
    return say(responder, 502, "the API server was not reached: " + opened.error().message);
  const Body body = *std::move(opened);
  if (body->status() != 200) {
    std::string text;
    for (auto part = body->read(); part && *part; part = body->read())
      text += **part;
    return responder.send({.status = body->status(),
                           .headers = headers_of(body->headers()),
                           .body = std::move(text)});
  }
  const auto stream = responder.stream(200, headers_of(body->headers()));
  // A page that has gone wakes the thread that waits for the API server.
  stream->on_close([waiting = std::weak_ptr(body)] {
    if (const auto still = waiting.lock()) still->cancel();
  });
  base::MutexLock lock(mutex_);
  if (stopping_) return;
  const uint64_t id = next_++;
  Flow& flow = flows_[id];
  flow.body = body;
  flow.thread =
      base::start_thread("passage", [this, id, body, stream] { this->flow(id, body, stream); });
}

void Passage::flow(uint64_t id, const Body& body, const std::shared_ptr<Stream>& stream) {
  for (auto part = body->read(); part && *part; part = body->read())
    if (!stream->write(std::make_shared<const std::string>(*std::move(*part)))) break;
  stream->close();
  base::MutexLock lock(mutex_);
  if (const auto flow = flows_.find(id); flow != flows_.end()) flow->second.over = true;
}

std::vector<std::thread> Passage::take_over() {
  std::vector<std::thread> threads;
  for (auto flow = flows_.begin(); flow != flows_.end();) {
    if (!flow->second.over) {
      ++flow;
      continue;
    }
    threads.push_back(std::move(flow->second.thread));
    flow = flows_.erase(flow);
  }
  return threads;
}

void Passage::stop() {
  requests_.request_stop();
  std::map<uint64_t, Flow> flows;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    flows.swap(flows_);
  }
  for (auto& [id, flow] : flows)
    flow.body->cancel();
  for (auto& [id, flow] : flows)
    flow.thread.join();
}

size_t Passage::streams() const {
  base::MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [id, flow] : flows_)
    count += flow.over ? 0 : 1;
  return count;
}

}  // namespace monitor::dashboard
