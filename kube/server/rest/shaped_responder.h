#pragma once

// ShapedResponder: an answer in the form that the client asked for, on its way out: as YAML, and
// with the warning that the version it uses is deprecated.
//
// Threads: as the responder that it wraps.

#include <memory>
#include <string>
#include <utility>

#include "base/http/server.h"
#include "kube/server/rest/negotiation.h"

namespace kube::server::rest {

class ShapedResponder final : public base::http::Responder {
 public:
  // `warning` is empty when there is none.
  ShapedResponder(std::shared_ptr<base::http::Responder> inner, Syntax syntax, std::string warning)
      : inner_(std::move(inner)), syntax_(syntax), warning_(std::move(warning)) {}

  void send(base::http::Response response) override;
  std::shared_ptr<base::http::Stream> stream(int status, base::http::Headers headers) override;
  [[nodiscard]] bool wants_websocket() const override { return inner_->wants_websocket(); }
  std::shared_ptr<base::http::Stream> accept_websocket() override {
    return inner_->accept_websocket();
  }

 private:
  void add_warning(base::http::Headers& headers) const;

  const std::shared_ptr<base::http::Responder> inner_;
  const Syntax syntax_;
  const std::string warning_;
};

}  // namespace kube::server::rest
