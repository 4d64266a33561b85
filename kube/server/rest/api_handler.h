#pragma once

// ApiHandler: the way into the API: who calls (the server's token, or an account's), what the path
// means, which verb is asked for. Everything that goes wrong is answered with a Status object. The
// HTTP server asks admit() before it reads a body; handle() asks again, so that it may be mounted
// anywhere.
//
// Threads: any.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http/server.h"
#include "kube/server/rest/api_request.h"
#include "kube/server/rest/documents.h"
#include "kube/server/rest/local_call.h"

namespace kube::server::rest {

class ApiHandler {
 public:
  // `tokens` must not be empty.
  ApiHandler(Services services, std::vector<std::string> tokens);
  [[nodiscard]] base::http::Admission admit(const base::http::Request& head) const;
  // `local`: the caller is in this process and takes objects as they are. It must outlive the call,
  // which has been answered when this returns.
  void handle(base::http::Request request, std::shared_ptr<base::http::Responder> responder,
              LocalCall* local = nullptr);

 private:
  // Who bears this token; nullopt for a stranger.
  [[nodiscard]] std::optional<Caller> authenticate(std::string_view authorization) const;
  void route(base::http::Request request, const Caller& caller,
             std::shared_ptr<base::http::Responder> responder, LocalCall* local);
  static void dispatch(ApiRequest& call);

  Services services_;
  const std::vector<std::string> tokens_;
  Documents documents_;
};

}  // namespace kube::server::rest
