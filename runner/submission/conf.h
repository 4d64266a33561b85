#pragma once

// Conf: a Spark configuration, and the typed readers that Spark applies to it. Their errors have
// the words of Spark's own ("spark.ui.port should be int, but was x").
//
// Threads: pure functions.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace runner::submission {

using Conf = std::map<std::string, std::string, std::less<>>;

const std::string* find(const Conf& conf, std::string_view key);
bool has(const Conf& conf, std::string_view key);
// The first of the keys that is set; empty when none is.
std::string first_of(const Conf& conf, std::initializer_list<std::string_view> keys,
                     std::string_view fallback = "");

// (rest of the key, value) of every key that starts with `prefix`, in order.
std::vector<std::pair<std::string, std::string>> with_prefix(const Conf& conf,
                                                             std::string_view prefix);

base::Result<int64_t> integer_or(const Conf& conf, std::string_view key, int64_t fallback);
// A key that Spark reads without an entry of its own, in the words of that: "Illegal value for
// config key spark.driver.port: For input string: "x"".
base::Result<int64_t> plain_integer_or(const Conf& conf, std::string_view key, int64_t fallback);
base::Result<bool> boolean_or(const Conf& conf, std::string_view key, bool fallback);
base::Result<std::optional<double>> real(const Conf& conf, std::string_view key);

// At "," with blanks trimmed and empty entries dropped, as Spark reads its list entries.
std::vector<std::string> split_list(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// Without leading and trailing characters up to U+0020, as Java's trim().
std::string_view trim(std::string_view text);
// Of ASCII letters only.
std::string lower(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

}  // namespace runner::submission
