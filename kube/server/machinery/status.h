#pragma once

// ApiError: what the API server answers when it refuses: the Status object of Kubernetes in C++.
// Messages are the texts that people and tools know from a real API server, to the letter; tests
// assert them. Outcome<T> is what every function of this folder returns that can fail; nothing here
// throws.
//
// Source: the API conventions of Kubernetes ("Response Status Kind"). Threads: plain values.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "base/result.h"
#include "kube/resource_type.h"
#include "kube/server/machinery/invalid_field.h"

namespace kube::server::machinery {

using Json = nlohmann::json;

struct StatusCause {
  std::string reason;  // "FieldValueInvalid", "FieldManagerConflict", …
  std::string message;
  std::string field;
  bool operator==(const StatusCause&) const = default;
};

struct ApiError {
  int code = 500;      // the HTTP status
  std::string reason;  // "NotFound", "Conflict", …
  std::string message;
  // details; left out of the Status when all are empty
  std::string name;
  std::string group;
  std::string kind;  // the plural resource for most reasons, the Kind for Invalid
  std::string uid;
  std::vector<StatusCause> causes;
  int retry_after_seconds = 0;
  bool bare_details = false;   // details are there, empty
  std::string continue_token;  // Expired: with it a list goes on from the present state
};

template <class T>
using Outcome = tl::expected<T, ApiError>;

[[nodiscard]] inline tl::unexpected<ApiError> refuse(ApiError error) {
  return tl::unexpected<ApiError>(std::move(error));
}

// The Status object, ready to be the body.
Json to_json(const ApiError& error);
// The Status that answers a delete or another call that has no object to give: status "Success".
Json success_status(const ResourceType& type, const std::string& name, const std::string& uid);

// 404 `pods "x" not found`.
ApiError not_found(const ResourceType& type, const std::string& name);
// 404 `the server could not find the requested resource`.
ApiError resource_not_found();
// 409 `pods "x" already exists`.
ApiError already_exists(const ResourceType& type, const std::string& name);
// 409 `Operation cannot be fulfilled on pods "x": <why>`.
ApiError conflict(const ResourceType& type, const std::string& name, const std::string& why);
// The same with "the object has been modified; please apply your changes to the latest version and
// try again".
ApiError modified_conflict(const ResourceType& type, const std::string& name);
// 422 `Pod "x" is invalid: <field>: <what>`; several as `[a, b]`, duplicates said once.
ApiError invalid(const ResourceType& type, const std::string& name,
                 const std::vector<FieldError>& errors);
// 400.
ApiError bad_request(const std::string& message);
// 401 "Unauthorized".
ApiError unauthorized();
// 403 `pods "x" is forbidden: <why>`.
ApiError forbidden(const ResourceType& type, const std::string& name, const std::string& why);
// 405 "the server does not allow this method on the requested resource".
ApiError method_not_supported(const ResourceType& type);
// 406, 415 `the body of the request was in an unknown format - accepted media types include: …`.
ApiError not_acceptable(const std::vector<std::string>& supported);
ApiError unsupported_media_type(const std::vector<std::string>& supported);
// 410 reason Expired `too old resource version: 5 (9)`.
ApiError expired(const std::string& message);
// 413.
ApiError too_large(const std::string& message);
// 429.
ApiError too_many_requests(const std::string& message, int retry_after_seconds);
// 500 `Internal error occurred: <what>`.
ApiError internal_error(const std::string& what);
// 503, 504.
ApiError unavailable(const std::string& message);
ApiError timed_out(const std::string& message, int retry_after_seconds);

// The Status for an error of the storage or another lower module.
ApiError from_error(const base::Error& error);

}  // namespace kube::server::machinery
