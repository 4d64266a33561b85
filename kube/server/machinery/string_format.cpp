#include "kube/server/machinery/string_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <arpa/inet.h>

#include "base/rfc3339.h"
#include "kube/server/machinery/name_syntax.h"

namespace kube::server::machinery {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_date_time(const std::string& text) {
  return base::parse_rfc3339(text).has_value();
}

bool is_date(const std::string& text) {
  return text.size() == 10 && base::parse_rfc3339(text + "T00:00:00Z").has_value();
}

// As Go writes durations: "1h30m", "-1.5s", "0".
bool is_duration(const std::string& text) {
  std::string_view rest = text;
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  if (rest == "0") return true;
  if (rest.empty()) return false;
  while (!rest.empty()) {
    size_t digits = 0;
    size_t dots = 0;
    size_t i = 0;
    for (; i < rest.size() && (is_digit(rest[i]) || rest[i] == '.'); ++i) {
      ++(rest[i] == '.' ? dots : digits);
    }
    if (digits == 0 || dots > 1) return false;
    rest.remove_prefix(i);
    static constexpr std::array<std::string_view, 8> kUnits = {"ns", "us", "\xc2\xb5s", "\xce\xbcs",
                                                               "ms", "s",  "m",         "h"};
    const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](std::string_view one) {
      return rest.substr(0, one.size()) == one;
    });
    if (unit == kUnits.end()) return false;
    rest.remove_prefix(unit->size());
  }
  return true;
}

bool is_base64(const std::string& text) {
  if (text.size() % 4 != 0) return false;
  const size_t padding =
      std::min<size_t>(2, static_cast<size_t>(std::count(text.begin(), text.end(), '=')));
  return std::all_of(text.begin(), text.end() - static_cast<std::ptrdiff_t>(padding),
                     [](char c) {
                       return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              c == '+' || c == '/';
                     }) &&
         std::all_of(text.end() - static_cast<std::ptrdiff_t>(padding), text.end(),
                     [](char c) { return c == '='; });
}

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(family, text.c_str(), bytes.data()) == 1 && text.find('\0') == std::string::npos;
}

bool is_cidr(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const std::string bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3 || !std::all_of(bits.begin(), bits.end(), is_digit)) {
    return false;
  }
  int prefix = -1;
  std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  return (is_address(AF_INET, address) && prefix <= 32) ||
         (is_address(AF_INET6, address) && prefix <= 128);
}

bool is_uuid(const std::string& text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    if (!is_hex(text[i])) return false;
    digits += text[i];
  }
  return digits.size() == 32 && text.size() <= 36;
}

bool is_mac(const std::string& text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_email(const std::string& text) {
  const size_t at = text.rfind('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() &&
         text.find_first_of(" \t\r\n") == std::string::npos;
}

bool is_hostname(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return check_name(lower, NameRule::Subdomain).empty();
}

bool is_uri(const std::string& text) {
  return text.find_first_of(" \t\r\n<>\"") == std::string::npos && !text.empty();
}

}  // namespace

bool matches_format(std::string_view format, const std::string& text) {
  using Check = bool (*)(const std::string&);
  static const std::map<std::string_view, Check> checks = {
      {"date-time", is_date_time},
      {"datetime", is_date_time},
      {"date", is_date},
      {"duration", is_duration},
      {"byte", is_base64},
      {"ipv4", [](const std::string& one) { return is_address(AF_INET, one); }},
      {"ipv6", [](const std::string& one) { return is_address(AF_INET6, one); }},
      {"cidr", is_cidr},
      {"uuid", is_uuid},
      {"mac", is_mac},
      {"email", is_email},
      {"hostname", is_hostname},
      {"uri", is_uri},
  };
  const auto check = checks.find(format);
  return check == checks.end() || check->second(text);
}

}  // namespace kube::server::machinery
