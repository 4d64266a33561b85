#include "runner/submission/names.h"

#include <array>

#include <openssl/evp.h>

#include "base/check.h"
#include "runner/submission/conf.h"

namespace runner::submission {
namespace {

constexpr size_t kLabelLength = 63;

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// Lower-case letters, digits and single hyphens; every other character becomes a hyphen. Spark
// works on UTF-16 units: one outside the basic plane makes two hyphens, which collapse all the
// same.
std::string dns_characters(std::string_view name) {
  std::string result;
  for (const char c : lower(trim(name))) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keep) {
      result += c;
    } else if (result.empty() || result.back() != '-') {
      result += '-';
    }
  }
  return result;
}

// "a_b 1.5" → "ab-1-5-<unique_id>".
std::string without_other_characters(std::string_view app_name, std::string_view unique_id) {
  std::string result;
  for (const char c : lower(trim(std::string(app_name) + "-" + std::string(unique_id)))) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keep) {
      result += c;
    } else if ((blank || c == '.' || c == '-') && !result.ends_with('-')) {
      result += '-';
    }
  }
  return result;
}

}  // namespace

SubmissionIds submission_ids(std::string_view uid, int64_t execution_attempt,
                             int64_t submission_attempt) {
  const std::string hex = sha256_hex(std::string(uid) + "/" + std::to_string(execution_attempt) +
                                     "/" + std::to_string(submission_attempt));
  std::string unique = hex.substr(32, 16);
  if (unique.front() <= '9') unique.front() = static_cast<char>('a' + (unique.front() - '0') % 6);
  return {.app_id = "spark-" + hex.substr(0, 32), .unique_id = unique};
}

std::string resource_name_prefix(std::string_view app_name, std::string_view unique_id,
                                 NameShape shape) {
  if (shape == NameShape::Dropped) return without_other_characters(app_name, unique_id);
  std::string prefix = dns_characters(std::string(app_name) + "-" + std::string(unique_id));
  if (prefix.starts_with('-')) prefix.erase(0, 1);
  if (!prefix.empty() && prefix.front() >= '0' && prefix.front() <= '9') prefix.front() = 'x';
  return prefix;
}

std::string app_name_label(std::string_view app_name) {
  std::string label = dns_characters(app_name).substr(0, kLabelLength);
  if (label.starts_with('-')) label.erase(0, 1);
  if (label.ends_with('-')) label.pop_back();
  return label;
}

std::string service_name(std::string_view prefix, std::string_view unique_id) {
  const std::string preferred = std::string(prefix) + "-driver-svc";
  // A Service's name begins with a letter (RFC 1035).
  const bool digit = preferred.front() >= '0' && preferred.front() <= '9';
  if (!digit && preferred.size() <= kLabelLength) return preferred;
  return "spark-" + std::string(unique_id) + "-driver-svc";
}

std::string conf_map_name(std::string_view unique_id) {
  return "spark-drv-" + std::string(unique_id) + "-conf-map";
}

std::string name_beside(std::string_view application, std::string_view suffix) {
  constexpr size_t kNameLength = 253;
  constexpr size_t kHashLength = 8;
  if (application.size() + suffix.size() <= kNameLength)
    return std::string(application) + std::string(suffix);
  std::string name(application.substr(0, kNameLength - suffix.size() - kHashLength - 1));
  // A part of a name must not end with what joins parts.
  while (name.ends_with('.') || name.ends_with('-'))
    name.pop_back();
  return name + "-" + sha256_hex(application).substr(0, kHashLength) + std::string(suffix);
}

std::string volume_name(std::string_view wanted) {
  constexpr size_t kHashLength = 8;
  std::string name = dns_characters(wanted);
  if (name.starts_with('-')) name.erase(0, 1);
  if (name.ends_with('-')) name.pop_back();
  if (name == wanted && name.size() <= kLabelLength) return name;
  name = name.substr(0, kLabelLength - kHashLength - 1);
  if (!name.empty() && name.back() != '-') name += '-';
  return name + sha256_hex(wanted).substr(0, kHashLength);
}

std::string default_local_dir(std::string_view app_id) {
  std::string uuid(app_id.substr(app_id.find('-') + 1));
  for (const size_t at : {size_t{8}, size_t{13}, size_t{18}, size_t{23}}) {
    if (at < uuid.size()) uuid.insert(at, 1, '-');
  }
  return "/var/data/spark-" + uuid;
}

}  // namespace runner::submission
