#pragma once

// Router: hands each request to the owner of the longest matching path prefix. Owners register
// their routes before the server starts.
//
// Threads: add() before handler() only; the handler may run on any thread.

#include <string>
#include <vector>

#include "base/http/server.h"

namespace base::http {

class Router {
 public:
  // "/metrics" matches "/metrics" and "/metrics/x", not "/metricsx"; "/" matches everything.
  void add(std::string prefix, Handler handler);
  // What no prefix matches gets 404.
  [[nodiscard]] Handler handler() const;

 private:
  struct Route {
    std::string prefix;
    Handler handler;
  };
  std::vector<Route> routes_;  // longest prefix first
};

}  // namespace base::http
