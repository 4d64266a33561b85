#pragma once

// accept_as_server: what an API server that has our CRDs would do with an object that is written
// with strict validation: its defaults are filled in, or it is refused in the server's words. No
// server is asked. CEL rules are not evaluated; whoever reads the spec checks what they say.
//
// Errors: InvalidArgument `unknown field "spec.driver.env[0].valuefrom"`,
// `spec.driver.env[1].value: Invalid value: …`, all of them in one message. Threads: main only.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace sparkctl {

// `object` is of a kind that has a CRD; NotFound for any other.
base::Status accept_as_server(nlohmann::json& object);

}  // namespace sparkctl
