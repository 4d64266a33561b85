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

const Router::Route* Router::find(const Routes& routes, const std::string& path) {
  for (const Route& route : routes)
    if (matches(route.prefix, path)) return &route;
  return nullptr;
}

void Router::add(std::string prefix, Handler handler, Admit admit) {
  const auto place = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.prefix.size() < prefix.size();
  });
  routes_.insert(
      place,
      Route{.prefix = std::move(prefix), .handler = std::move(handler), .admit = std::move(admit)});
}

Handler Router::handler() const {
  return [routes = std::make_shared<const Routes>(routes_)](Request request,
                                                            std::shared_ptr<Responder> responder) {
    if (const Route* route = find(*routes, request.path))
      return route->handler(std::move(request), std::move(responder));
    responder->send({.status = 404,
                     .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                     .body = "nothing is served at " + request.path + "\n"});
  };
}

Admit Router::admit() const {
  return [routes = std::make_shared<const Routes>(routes_)](const Request& head) {
    const Route* route = find(*routes, head.path);
    return route != nullptr && route->admit ? route->admit(head) : Admission{};
  };
}

}  // namespace base::http
