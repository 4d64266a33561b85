#pragma once

// Router: hands each request to the owner of the longest matching path prefix. Owners register
// their routes before the server starts.
//
// Threads: add() before handler() and admit() only; what they give may run on any thread.

#include <string>
#include <vector>

#include "base/http/server.h"

namespace base::http {

class Router {
 public:
  // "/metrics" matches "/metrics" and "/metrics/x", not "/metricsx"; "/" matches everything.
  // `admit` judges its requests by their heads (see ServerOptions); none: a stranger's are read
  // too.
  void add(std::string prefix, Handler handler, Admit admit = {});
  // What no prefix matches gets 404.
  [[nodiscard]] Handler handler() const;
  // For ServerOptions::admit.
  [[nodiscard]] Admit admit() const;

 private:
  struct Route {
    std::string prefix;
    Handler handler;
    Admit admit;
  };
  using Routes = std::vector<Route>;
  static const Route* find(const Routes& routes, const std::string& path);
  Routes routes_;  // longest prefix first
};

}  // namespace base::http
