#pragma once

// ApiRequest: one request on its way through the handler, with what it asks for already looked up;
// and the ways to answer it.
//
// Threads: a call belongs to one thread at a time.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/http/server.h"
#include "kube/log_source.h"
#include "kube/server/machinery/status.h"
#include "kube/server/objects/objects.h"
#include "kube/server/rest/account_tokens.h"
#include "kube/server/rest/negotiation.h"
#include "kube/server/rest/request_info.h"
#include "kube/server/storage/watch_hub.h"

namespace kube::server::rest {

class LogStreams;
struct LocalCall;

// What every call may use; outlives all of them.
struct Services {
  objects::Objects& objects;
  storage::WatchHub& hub;
  base::Clock& clock;
  LogStreams& logs;
  const AccountTokens& tokens;
  size_t page_bytes;  // of a list: more is cut, or written in pieces when nobody asked for pages
  // ApiServerOptions::advise; may be empty.
  std::function<std::vector<std::string>(const std::string& resource, const nlohmann::json& object)>
      advise = {};
};

struct ApiRequest {
  Services& services;
  base::http::Request request;
  std::shared_ptr<base::http::Responder> responder;
  Caller caller;
  RequestInfo info;
  types::CatalogPtr catalog;
  types::ResourcePtr resource;
  Representation representation;
  LocalCall* local = nullptr;  // set: the caller is in this process

  [[nodiscard]] bool has_body() const;
  [[nodiscard]] std::string parameter(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;  // "true" or "1"
  [[nodiscard]] objects::Target target() const;
};

using machinery::ApiError;
using machinery::Outcome;

void answer(base::http::Responder& responder, int status, std::string json_text,
            std::string_view content_type = "application/json",
            const std::vector<std::string>& warnings = {});
void answer(base::http::Responder& responder, const ApiError& error);
base::http::Response response_of(const ApiError& error);
// A parameter that must be a number ≥ 0; 400 otherwise. What is more than int64_t holds is its
// maximum.
Outcome<std::optional<int64_t>> number_parameter(const ApiRequest& call, std::string_view name);
// dryRun: absent or All.
Outcome<bool> dry_run(const ApiRequest& call);

}  // namespace kube::server::rest
