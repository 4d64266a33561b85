#pragma once

// The way from a port of this machine to a driver's page: requests go through the API server's
// proxy of the pod, with the caller's own credentials.
//
// Threads: the handler on any.

#include <cstdint>
#include <functional>
#include <string>

#include "base/http/message.h"
#include "base/http/server.h"
#include "base/result.h"
#include "kube/resource_type.h"

namespace sparkctl {

using AskApi = std::function<base::Result<base::http::Response>(const base::http::Request&)>;

// Only GET and HEAD, and only for who asks for this machine by its name: a page elsewhere that has
// its own name lead here gets nothing.
base::http::Handler spark_page(AskApi ask, const kube::ObjectKey& driver, uint16_t port);

}  // namespace sparkctl
