#include "kube/server/machinery/name_syntax.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxLabel = 63;

constexpr const char* kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kDns1035Text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kQualifiedNamePart =
    " must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation "
    "is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr const char* kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return is_lower(c) || is_digit(c);
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

std::string too_long(size_t limit) {
  return "must be no more than " + std::to_string(limit) + " characters";
}

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<std::string> check_path_segment(std::string_view name) {
  if (name == "." || name == "..") return {"may not be '" + std::string(name) + "'"};
  std::vector<std::string> problems;
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos)
      problems.push_back(std::string("may not contain '") + c + "'");
  }
  return problems;
}

std::string quoted_prefix(std::string_view part, std::string_view text) {
  return std::string(part) + std::string(text);
}

// What comes first is newer.
std::tuple<int, int, int, std::string> version_rank(const std::string& version) {
  int major = 0;
  int minor = 0;
  size_t i = 1;
  const auto digits = [&](int& number) {
    const size_t from = i;
    while (i < version.size() && version[i] >= '0' && version[i] <= '9' && number < 100'000) {
      number = number * 10 + (version[i++] - '0');
    }
    return i > from;
  };
  if (version.empty() || version[0] != 'v' || !digits(major)) return {3, 0, 0, version};
  if (i == version.size()) return {0, -major, 0, ""};
  for (const auto& [word, rank] : {std::pair{"beta", 1}, std::pair{"alpha", 2}}) {
    if (version.compare(i, std::string_view(word).size(), word) != 0) continue;
    i += std::string_view(word).size();
    if (digits(minor) && i == version.size()) return {rank, -major, -minor, ""};
  }
  return {3, 0, 0, version};
}

}  // namespace

std::vector<std::string> check_name(std::string_view name, NameRule rule) {
  std::vector<std::string> problems;
  switch (rule) {
    case NameRule::Subdomain:
      if (name.size() > kMaxSubdomain) problems.push_back(too_long(kMaxSubdomain));
      if (!is_subdomain(name)) problems.emplace_back(kSubdomainText);
      break;
    case NameRule::Label:
      if (name.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
      if (!is_label(name)) problems.emplace_back(kLabelText);
      break;
    case NameRule::Dns1035Label:
      if (name.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
      if (!is_label(name) || !is_lower(name.front())) problems.emplace_back(kDns1035Text);
      break;
    case NameRule::PathSegment:
      return check_path_segment(name);
  }
  return problems;
}

std::vector<std::string> check_name_prefix(std::string_view prefix, NameRule rule) {
  std::string name(prefix);
  // What is generated ends in letters and digits, so the prefix itself may end in a dash.
  if (name.size() > 1 && name.back() == '-') name.back() = 'a';
  return check_name(name, rule);
}

std::vector<std::string> check_qualified_name(std::string_view name) {
  std::vector<std::string> problems;
  const size_t slash = name.find('/');
  std::string_view part = name;
  if (slash != std::string_view::npos) {
    part = name.substr(slash + 1);
    if (part.find('/') != std::string_view::npos) {
      return {std::string("a qualified name") + kQualifiedNamePart +
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    }
    const std::string_view prefix = name.substr(0, slash);
    if (prefix.empty()) {
      problems.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& problem : check_name(prefix, NameRule::Subdomain)) {
        problems.push_back(quoted_prefix("prefix part ", problem));
      }
    }
  }
  if (part.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (part.size() > kMaxLabel) {
    problems.push_back(quoted_prefix("name part ", too_long(kMaxLabel)));
  }
  if (!is_name_part(part)) problems.push_back(std::string("name part") + kQualifiedNamePart);
  return problems;
}

std::vector<std::string> check_label_value(std::string_view value) {
  std::vector<std::string> problems;
  if (value.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
  if (!value.empty() && !is_name_part(value)) problems.emplace_back(kLabelValueText);
  return problems;
}

bool is_newer_version(const std::string& a, const std::string& b) {
  return version_rank(a) < version_rank(b);
}

}  // namespace kube::server::machinery
