#pragma once

// The string formats that structural schemas check: date-time, date, duration, byte, ipv4, ipv6,
// cidr, uuid, hostname, email, uri, mac. Others are not checked, as in Kubernetes. Linear time.
// Threads: pure function.

#include <string>
#include <string_view>

namespace kube::server::machinery {

// False only when the format is known and the text is not of it.
bool matches_format(std::string_view format, const std::string& text);

}  // namespace kube::server::machinery
