#pragma once

// RecordingResponder: keeps the answer that a handler gives.

#include "base/http/server.h"

namespace tests {

class RecordingResponder final : public base::http::Responder {
 public:
  void send(base::http::Response response) override { answer = std::move(response); }
  std::shared_ptr<base::http::Stream> stream(int, base::http::Headers) override { return nullptr; }
  [[nodiscard]] bool wants_websocket() const override { return false; }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return nullptr; }

  base::http::Response answer;
};

inline base::http::Response ask(const base::http::Handler& handler, std::string path,
                                std::vector<std::pair<std::string, std::string>> query = {},
                                std::string method = "GET") {
  base::http::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  auto responder = std::make_shared<RecordingResponder>();
  handler(std::move(request), responder);
  return responder->answer;
}

}  // namespace tests
