#include "runner/submission/conf.h"

#include <charconv>

namespace runner::submission {
namespace {

using base::Code;
using base::failure;

std::string mismatch(std::string_view key, const char* type, const std::string& value) {
  return std::string(key) + " should be " + type + ", but was " + value;
}

std::optional<int32_t> java_int(std::string_view digits) {
  int32_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

const std::string* find(const Conf& conf, std::string_view key) {
  const auto at = conf.find(key);
  return at == conf.end() ? nullptr : &at->second;
}

bool has(const Conf& conf, std::string_view key) {
  return conf.contains(key);
}

std::string first_of(const Conf& conf, std::initializer_list<std::string_view> keys,
                     std::string_view fallback) {
  for (const std::string_view key : keys) {
    if (const std::string* value = find(conf, key)) return *value;
  }
  return std::string(fallback);
}

std::vector<std::pair<std::string, std::string>> with_prefix(const Conf& conf,
                                                             std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (auto at = conf.lower_bound(prefix); at != conf.end() && at->first.starts_with(prefix);
       ++at) {
    found.emplace_back(at->first.substr(prefix.size()), at->second);
  }
  return found;
}

base::Result<int64_t> integer_or(const Conf& conf, std::string_view key, int64_t fallback) {
  const std::string* text = find(conf, key);
  if (text == nullptr) return fallback;
  if (const auto value = java_int(trim(*text))) return *value;
  return failure(Code::InvalidArgument, mismatch(key, "int", *text));
}

base::Result<int64_t> plain_integer_or(const Conf& conf, std::string_view key, int64_t fallback) {
  const std::string* text = find(conf, key);
  if (text == nullptr) return fallback;
  if (const auto value = java_int(*text)) return *value;
  return failure(Code::InvalidArgument, "Illegal value for config key " + std::string(key) +
                                            ": For input string: \"" + *text + "\"");
}

base::Result<bool> boolean_or(const Conf& conf, std::string_view key, bool fallback) {
  const std::string* text = find(conf, key);
  if (text == nullptr) return fallback;
  const std::string word = lower(trim(*text));
  if (word == "true") return true;
  if (word == "false") return false;
  return failure(Code::InvalidArgument, mismatch(key, "boolean", *text));
}

base::Result<std::optional<double>> real(const Conf& conf, std::string_view key) {
  const std::string* text = find(conf, key);
  if (text == nullptr) return std::optional<double>();
  const std::string_view digits = trim(*text);
  double value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // from_chars also reads "inf" and "nan"; no memory factor is either.
  if (problem != std::errc{} || end != digits.data() + digits.size() || !(value - value == 0)) {
    return failure(Code::InvalidArgument, mismatch(key, "double", *text));
  }
  return std::optional<double>(value);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    if (!part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace runner::submission
