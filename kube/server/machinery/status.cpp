#include "kube/server/machinery/status.h"

#include <algorithm>
#include <unordered_set>

#include <nlohmann/json.hpp>

namespace kube::server::machinery {
namespace {

std::string qualified(const std::string& word, const std::string& group) {
  return group.empty() ? word : word + "." + group;
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// "pods \"x\"", "schedules.example.com \"x\"".
std::string subject(const ResourceType& type, const std::string& name) {
  return qualified(type.plural, type.group) + " " + quoted(name);
}

ApiError about(const ResourceType& type, const std::string& name, int code, std::string reason,
               std::string message) {
  return {.code = code,
          .reason = std::move(reason),
          .message = std::move(message),
          .name = name,
          .group = type.group,
          .kind = type.plural,
          .uid = {},
          .causes = {},
          .retry_after_seconds = 0,
          .bare_details = false,
          .continue_token = {}};
}

ApiError plain(int code, std::string reason, std::string message, int retry_after_seconds = 0) {
  ApiError error;
  error.code = code;
  error.reason = std::move(reason);
  error.message = std::move(message);
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

Json details_of(const ApiError& error) {
  Json details = Json::object();
  if (!error.name.empty()) details["name"] = error.name;
  if (!error.group.empty()) details["group"] = error.group;
  if (!error.kind.empty()) details["kind"] = error.kind;
  if (!error.uid.empty()) details["uid"] = error.uid;
  for (const StatusCause& cause : error.causes) {
    Json one = {{"message", cause.message}};
    if (!cause.reason.empty()) one["reason"] = cause.reason;
    if (!cause.field.empty()) one["field"] = cause.field;
    details["causes"].push_back(std::move(one));
  }
  if (error.retry_after_seconds > 0) details["retryAfterSeconds"] = error.retry_after_seconds;
  return details;
}

}  // namespace

Json to_json(const ApiError& error) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", error.message}, {"reason", error.reason},
                 {"code", error.code}};
  if (error.reason.empty()) status.erase("reason");
  if (!error.continue_token.empty()) status["metadata"]["continue"] = error.continue_token;
  Json details = details_of(error);
  if (!details.empty() || error.bare_details) status["details"] = std::move(details);
  return status;
}

Json success_status(const ResourceType& type, const std::string& name, const std::string& uid) {
  Json details = {{"name", name}, {"kind", type.plural}};
  if (!type.group.empty()) details["group"] = type.group;
  if (!uid.empty()) details["uid"] = uid;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details", std::move(details)}};
}

ApiError not_found(const ResourceType& type, const std::string& name) {
  return about(type, name, 404, "NotFound", subject(type, name) + " not found");
}

ApiError resource_not_found() {
  return plain(404, "NotFound", "the server could not find the requested resource");
}

ApiError already_exists(const ResourceType& type, const std::string& name) {
  return about(type, name, 409, "AlreadyExists", subject(type, name) + " already exists");
}

ApiError conflict(const ResourceType& type, const std::string& name, const std::string& why) {
  return about(type, name, 409, "Conflict",
               "Operation cannot be fulfilled on " + subject(type, name) + ": " + why);
}

ApiError modified_conflict(const ResourceType& type, const std::string& name) {
  return conflict(type, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

ApiError invalid(const ResourceType& type, const std::string& name,
                 const std::vector<FieldError>& errors) {
  ApiError error = about(type, name, 422, "Invalid",
                         qualified(type.kind, type.group) + " " + quoted(name) + " is invalid");
  error.kind = type.kind;
  std::vector<std::string> messages;
  std::unordered_set<std::string> seen;
  for (const FieldError& one : errors) {
    error.causes.push_back({one.reason(), one.body(), one.field});
    if (std::string message = one.message(); seen.insert(message).second) {
      messages.push_back(std::move(message));
    }
  }
  if (messages.size() == 1) error.message += ": " + messages.front();
  if (messages.size() > 1) error.message += ": [" + joined(messages) + "]";
  return error;
}

ApiError bad_request(const std::string& message) {
  return plain(400, "BadRequest", message);
}

ApiError unauthorized() {
  return plain(401, "Unauthorized", "Unauthorized");
}

ApiError forbidden(const ResourceType& type, const std::string& name, const std::string& why) {
  const std::string what = name.empty() ? qualified(type.plural, type.group) : subject(type, name);
  return about(type, name, 403, "Forbidden", what + " is forbidden: " + why);
}

ApiError method_not_supported(const ResourceType& type) {
  ApiError error = plain(405, "MethodNotAllowed",
                         "the server does not allow this method on the requested resource");
  error.group = type.group;
  error.kind = type.plural;
  return error;
}

ApiError not_acceptable(const std::vector<std::string>& supported) {
  return plain(406, "NotAcceptable",
               "only the following media types are accepted: " + joined(supported));
}

ApiError unsupported_media_type(const std::vector<std::string>& supported) {
  return plain(415, "UnsupportedMediaType",
               "the body of the request was in an unknown format - accepted media types include: " +
                   joined(supported));
}

ApiError expired(const std::string& message) {
  return plain(410, "Expired", message);
}

ApiError too_large(const std::string& message) {
  return plain(413, "RequestEntityTooLarge", "Request entity too large: " + message);
}

ApiError too_many_requests(const std::string& message, int retry_after_seconds) {
  return plain(429, "TooManyRequests", message, retry_after_seconds);
}

ApiError internal_error(const std::string& what) {
  ApiError error = plain(500, "InternalError", "Internal error occurred: " + what);
  error.causes.push_back({"", what, ""});
  return error;
}

ApiError unavailable(const std::string& message) {
  return plain(503, "ServiceUnavailable", message);
}

ApiError timed_out(const std::string& message, int retry_after_seconds) {
  return plain(504, "Timeout", "Timeout: " + message, retry_after_seconds);
}

ApiError from_error(const base::Error& error) {
  const int seconds =
      static_cast<int>(std::clamp<int64_t>((error.retry_after.count() + 999) / 1000, 0, 3600));
  switch (error.code) {
    case base::Code::InvalidArgument:
    case base::Code::Refused:
      return bad_request(error.message);
    case base::Code::Unauthenticated:
      return unauthorized();
    case base::Code::Forbidden:
      return plain(403, "Forbidden", error.message);
    case base::Code::NotFound:
      return plain(404, "NotFound", error.message);
    case base::Code::AlreadyExists:
      return plain(409, "AlreadyExists", error.message);
    case base::Code::Conflict:
      return plain(409, "Conflict", error.message);
    case base::Code::Gone:
      return expired(error.message);
    case base::Code::TooLarge:
      return too_large(error.message);
    case base::Code::ResourceExhausted:
      return too_many_requests(error.message, std::max(seconds, 1));
    case base::Code::Unimplemented:
      return plain(405, "MethodNotAllowed", error.message);
    case base::Code::Unavailable:
      return plain(503, "ServiceUnavailable", error.message, seconds);
    case base::Code::DeadlineExceeded:
      return timed_out(error.message, seconds);
    case base::Code::Cancelled:
      return plain(503, "ServiceUnavailable", error.message);
    case base::Code::Corrupt:
    case base::Code::Internal:
      break;
  }
  return internal_error(error.message);
}

}  // namespace kube::server::machinery
