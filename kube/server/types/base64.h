#pragma once

// Base64 (RFC 4648, padded), as Secrets and basic authentication carry bytes.
//
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace kube::server::types {

std::string encode_base64(std::string_view bytes);
// nullopt when it is not base64; line breaks are allowed, as in Go.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace kube::server::types
