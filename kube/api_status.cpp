#include "kube/api_status.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {
namespace {

using base::Code;

Code code_of(int64_t http_status, std::string_view reason) {
  switch (http_status) {
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::Forbidden;
    case 404:
      return Code::NotFound;
    case 405:
    case 501:
      return Code::Unimplemented;
    case 409:
      return reason == "AlreadyExists" ? Code::AlreadyExists : Code::Conflict;
    case 410:
      return Code::Gone;
    case 413:
      return Code::TooLarge;
    case 408:
    case 425:
      return Code::Unavailable;
    case 429:
      return Code::ResourceExhausted;
    default:
      // Old servers report an expired revision as 500 with this reason.
      if (reason == "Expired" || reason == "Gone") return Code::Gone;
      return http_status >= 400 && http_status < 500 ? Code::Refused : Code::Unavailable;
  }
}

std::chrono::milliseconds wait_of(std::string_view retry_after) {
  if (retry_after.empty()) return std::chrono::milliseconds{0};
  constexpr int64_t kMostSeconds = 3600;
  int64_t seconds = 1;
  const char* const end = retry_after.data() + retry_after.size();
  if (std::from_chars(retry_after.data(), end, seconds).ptr != end) seconds = 1;
  return std::chrono::seconds{std::clamp<int64_t>(seconds, 0, kMostSeconds)};
}

base::Error from_status(int64_t http_status, const nlohmann::json& status) {
  const std::string reason = base::string_at(status, {"reason"});
  std::string message = base::string_at(status, {"message"});
  if (message.empty()) message = reason.empty() ? "HTTP " + std::to_string(http_status) : reason;
  const int64_t wait = base::integer_at(status, {"details", "retryAfterSeconds"}).value_or(0);
  return {.code = code_of(http_status, reason),
          .message = std::move(message),
          .retry_after = wait_of(std::to_string(wait))};
}

bool is_status(const nlohmann::json& value) {
  return value.is_object() && base::string_at(value, {"kind"}) == "Status";
}

}  // namespace

base::Error error_of(const nlohmann::json& status) {
  return from_status(base::integer_at(status, {"code"}).value_or(500), status);
}

base::Error error_of(int http_status, std::string_view body, std::string_view retry_after) {
  base::Error error;
  if (const auto parsed = base::parse_json(body); parsed && is_status(*parsed)) {
    error = from_status(http_status, *parsed);
  } else {
    constexpr size_t kQuoted = 200;
    error = {.code = code_of(http_status, ""),
             .message = "HTTP " + std::to_string(http_status) +
                        (body.empty() ? "" : ": " + std::string(body.substr(0, kQuoted)))};
  }
  if (!retry_after.empty()) error.retry_after = wait_of(retry_after);
  return error;
}

}  // namespace kube
