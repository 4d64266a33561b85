#pragma once

// Kubernetes quantities ("500m", "1.5", "1433Mi", "2e3") as whole thousandths, which is what both
// CPU and memory need.
//
// Error: InvalidArgument, `"1,5" is not a quantity such as 500m, 2 or 16Gi`. Rounded up as the API
// does. Threads: pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace config {

// Never negative; what is more than 9e18 thousandths is that many.
base::Result<int64_t> parse_milli(std::string_view text);
// Whole units: bytes of memory; likewise at most 9e18.
base::Result<int64_t> parse_whole(std::string_view text);
// 1536 MiB → "1536Mi"; bytes that are no whole Mi are plain.
std::string format_bytes(int64_t bytes);

}  // namespace config
