#include "runner/submission/spark_version.h"

#include <charconv>

namespace runner::submission {

base::Result<SparkVersion> parse_spark_version(std::string_view text) {
  SparkVersion version{.text = std::string(text)};
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  bool ok = major.ec == std::errc{} && major.ptr != end && *major.ptr == '.';
  if (ok) {
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    ok = minor.ec == std::errc{} && version.major >= 0 && version.minor >= 0 &&
         (minor.ptr == end || *minor.ptr == '.' || *minor.ptr == '-');
  }
  // It becomes a label value.
  ok =
      ok && text.size() <= 63 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
          std::string_view::npos;
  if (!ok) {
    return base::failure(base::Code::InvalidArgument,
                         "\"" + std::string(text) + "\" is not a Spark version such as 4.0.1");
  }
  if (!version.at_least(3, 3)) {
    return base::failure(
        base::Code::Unimplemented,
        "Spark " + std::string(text) + " is not supported: 3.3 or newer is needed");
  }
  return version;
}

}  // namespace runner::submission
