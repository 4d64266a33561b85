#include "kube/server/rest/api_request.h"

#include <charconv>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/rest/local_call.h"

namespace kube::server::rest {

std::string ApiRequest::parameter(std::string_view name) const {
  return std::string(request.parameter(name).value_or(""));
}

bool ApiRequest::flag(std::string_view name) const {
  const std::string value = parameter(name);
  return value == "true" || value == "1" || value == "True";
}

bool ApiRequest::has_body() const {
  return !request.body.empty() || (local != nullptr && local->body != nullptr);
}

objects::Target ApiRequest::target() const {
  objects::Part part = objects::Part::Main;
  if (info.subresource == "status") part = objects::Part::Status;
  if (info.subresource == "scale") part = objects::Part::Scale;
  return {.resource = resource, .ns = info.ns, .name = info.name, .part = part};
}

void answer(base::http::Responder& responder, int status, std::string json_text,
            std::string_view content_type, const std::vector<std::string>& warnings) {
  base::http::Response response{.status = status, .headers = {}, .body = std::move(json_text)};
  response.headers.add("Content-Type", std::string(content_type));
  response.headers.add("Cache-Control", "no-cache, private");
  for (const std::string& warning : warnings) {
    response.headers.add("Warning", machinery::warning_header(warning));
  }
  responder.send(std::move(response));
}

base::http::Response response_of(const ApiError& error) {
  base::http::Response response{.status = error.code,
                                .headers = {},
                                .body = base::dump_json(machinery::to_json(error)) + "\n"};
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache, private");
  if (error.code == 401) response.headers.add("WWW-Authenticate", "Bearer");
  if (error.retry_after_seconds > 0) {
    response.headers.add("Retry-After", std::to_string(error.retry_after_seconds));
  }
  return response;
}

void answer(base::http::Responder& responder, const ApiError& error) {
  responder.send(response_of(error));
}

Outcome<std::optional<int64_t>> number_parameter(const ApiRequest& call, std::string_view name) {
  const std::string text = call.parameter(name);
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  // More than any limit, any time: as good as the largest number there is.
  if (whole && problem == std::errc::result_out_of_range && text.front() != '-')
    return std::numeric_limits<int64_t>::max();
  if (problem != std::errc() || !whole || value < 0) {
    return machinery::refuse(machinery::bad_request("the query parameter " + std::string(name) +
                                                    " must be a number of at least 0, got \"" +
                                                    text.substr(0, 64) + "\""));
  }
  return value;
}

Outcome<bool> dry_run(const ApiRequest& call) {
  bool found = false;
  for (const auto& [name, value] : call.request.query) {
    if (name != "dryRun") continue;
    if (value != "All") {
      return machinery::refuse(machinery::bad_request(
          "dryRun: Unsupported value: \"" + value.substr(0, 64) + "\": supported values: \"All\""));
    }
    found = true;
  }
  return found;
}

}  // namespace kube::server::rest
