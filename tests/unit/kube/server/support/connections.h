#pragma once

// Connection: a kube::Api to an InMemoryApi, over HTTP or in the process. What holds for one must
// hold for the other.

#include <memory>
#include <string>

#include "base/http/server.h"
#include "kube/api.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace tests {

enum class Transport { Http, Local };

class Connection {
 public:
  Connection(InMemoryApi& server, Transport transport, const std::string& token = "secret");
  kube::Api& api() { return *api_; }

 private:
  std::unique_ptr<base::http::Server> listener_;  // of Transport::Http
  std::unique_ptr<kube::Api> api_;
};

}  // namespace tests
