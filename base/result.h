#pragma once

// Result<T>: what a module's door returns. Errors are values; exceptions do not cross module doors.
//
// An Error's message is a lower-case fragment that a caller may prefix with its own context
// ("read kubeconfig: " + message). It is part of the product: tests assert its exact text, and it
// never contains a secret.
//
// Threads: plain values, no sharing.

#include <chrono>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace base {

// Why something failed, as far as a caller may act on it. The HTTP status that a Kubernetes API
// server gives for each is in parentheses.
enum class Code {
  InvalidArgument,    // our own reading of the input says that it can never work
  Refused,            // an API server said no for a reason of its own: its validation, a webhook,
                      // a quota; it may say yes later (400, 415, 422, other 4xx)
  Unauthenticated,    // no or bad credentials (401)
  Forbidden,          // not allowed, or a quota is used up (403)
  NotFound,           // (404)
  AlreadyExists,      // a create found the name taken (409 reason AlreadyExists)
  Conflict,           // somebody else wrote first; read again (409 reason Conflict)
  Gone,               // the revision asked for was compacted; list again (410)
  TooLarge,           // over a limit of size, depth or count (413)
  ResourceExhausted,  // slow down; see Error::retry_after (429)
  Unimplemented,      // known, not supported, says so (405, 501)
  Unavailable,        // try again: connection, time-out, full disk (5xx)
  Corrupt,            // what was stored can no longer be read
  DeadlineExceeded,   // the caller's own deadline passed
  Cancelled,          // the caller asked to stop
  Internal,           // a bug or a broken invariant of ours
};

// "not found", "conflict", …: for messages.
const char* to_string(Code code);

struct Error {
  Code code = Code::Internal;
  std::string message;
  // How long the other side asked us to wait; zero if it did not say.
  std::chrono::milliseconds retry_after{0};

  // The same error with "context: " in front of the message.
  [[nodiscard]] Error with_context(const std::string& context) const {
    return {code, context + ": " + message, retry_after};
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> failure(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::chrono::milliseconds{0}});
}
[[nodiscard]] inline tl::unexpected<Error> failure(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace base

#define SPARKCRON_CONCAT_INNER(a, b) a##b
#define SPARKCRON_CONCAT(a, b) SPARKCRON_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expression of Result<T>): leaves the function with the error.
#define RETURN_IF_ERROR(expression)                       \
  do {                                                    \
    if (auto status_ = (expression); !status_) {          \
      return ::base::failure(std::move(status_).error()); \
    }                                                     \
  } while (false)

// ASSIGN_OR_RETURN(auto value, expression of Result<T>).
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(SPARKCRON_CONCAT(result_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(result, declaration, expression)   \
  auto result = (expression);                                     \
  if (!result) return ::base::failure(std::move(result).error()); \
  declaration = std::move(*result)
