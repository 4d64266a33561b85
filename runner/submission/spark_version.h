#pragma once

// SparkVersion: of the application, not of any Spark installed beside the service. What a
// submission looks like depends on it.

#include <string>
#include <string_view>

#include "base/result.h"

namespace runner::submission {

struct SparkVersion {
  int major = 0;
  int minor = 0;
  std::string text;  // as written; the label spark-version

  [[nodiscard]] bool at_least(int other_major, int other_minor) const {
    return major != other_major ? major > other_major : minor >= other_minor;
  }
};

// "4.0.1", "3.5", "4.1.0-preview1". InvalidArgument: `"4" is not a Spark version such as 4.0.1`;
// Unimplemented below 3.3: what is older differs in ways that no recording covers.
base::Result<SparkVersion> parse_spark_version(std::string_view text);

}  // namespace runner::submission
