#include "tests/unit/kube/server/support/connections.h"

#include <utility>

#include "kube/http_api.h"
#include "tests/support/catch.h"

namespace tests {

Connection::Connection(InMemoryApi& server, Transport transport, const std::string& token) {
  if (transport == Transport::Local) {
    api_ = server.server->connect({.token = token});
    return;
  }
  auto listening = base::http::Server::listen({}, server.server->handler());
  REQUIRE(listening);
  listener_ = std::move(*listening);
  base::http::ClientOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(listener_->port());
  options.user_agent = "sparkcron";
  options.bearer_token = [token] { return token; };
  auto client = base::http::Client::create(std::move(options));
  REQUIRE(client);
  api_ = std::make_unique<kube::HttpApi>(std::move(*client));
}

}  // namespace tests
