#include "base/http/router.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace base::http {
namespace {

bool matches(const std::string& prefix, const std::string& path) {
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

}  // namespace

void Router::add(std::string prefix, Handler handler) {
  const auto place = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.prefix.size() < prefix.size();
  });
  routes_.insert(place, Route{.prefix = std::move(prefix), .handler = std::move(handler)});
}

Handler Router::handler() const {
  return [routes = std::make_shared<const std::vector<Route>>(routes_)](
             Request request, std::shared_ptr<Responder> responder) {
    for (const Route& route : *routes)
      if (matches(route.prefix, request.path))
        return route.handler(std::move(request), std::move(responder));
    responder->send({.status = 404,
                     .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                     .body = "nothing is served at " + request.path + "\n"});
  };
}

}  // namespace base::http
