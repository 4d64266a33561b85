#pragma once

// From ClientOptions and a Request to a configured curl handle. Private to base/http/client*.
//
// Threads: pure functions; they read only their arguments.

#include <stop_token>

#include "base/http/client.h"
#include "base/http/client_transfer.h"

namespace base::http {

enum class AnswerKind { Whole, Stream };

// InvalidArgument: the base URL, a certificate or a key that can never work.
Status check_options(const ClientOptions& options);

// The transfer keeps pointers into `options`, which must outlive it. InvalidArgument: a method or
// header field that would break the message apart.
Result<std::shared_ptr<Transfer>> make_transfer(const ClientOptions& options,
                                                const Request& request, AnswerKind kind,
                                                const std::stop_token& stop);

}  // namespace base::http
