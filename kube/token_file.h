#pragma once

// Tokens and certificates that live in files and change there, as Kubernetes rotates those of pods.
//
// Each of these reads now, and again when what was read is a minute old. While a later reading
// fails, what was read last stays. The functions may be called from any thread; the clock must
// outlive them.

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/result.h"

namespace kube {

// A bearer token, without the blanks at its end.
base::Result<std::function<std::string()>> token_from_file(const std::string& path,
                                                           base::Clock& clock = base::real_clock());

// A file as it is, of certificates; an empty one has none and is no reading.
base::Result<std::function<std::string()>> text_from_file(const std::string& path,
                                                          base::Clock& clock = base::real_clock());

// A client certificate and its key, read together.
base::Result<std::function<base::Result<base::http::Credential>()>> certificate_from_files(
    const std::string& certificate, const std::string& key,
    base::Clock& clock = base::real_clock());

}  // namespace kube
