#include "scheduler/time_zone_file.h"

#include "base/files.h"
#include "scheduler/time_zone.h"

namespace scheduler {
namespace {

constexpr char kFolder[] = "/usr/share/zoneinfo/";
constexpr size_t kMaxFileSize = 1 << 20;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '+' || c == '-' || c == '/';
}

}  // namespace

bool is_zone_name(std::string_view name) {
  constexpr size_t kMaxLength = 64;
  if (name.empty() || name.size() > kMaxLength || name.front() == '/' || name.back() == '/')
    return false;
  for (const char c : name)
    if (!is_name_character(c)) return false;
  if (name.find("//") != std::string_view::npos) return false;
  const std::string_view top = name.substr(0, name.find('/'));
  return top != "localtime" && top != "posixrules" && top != "posix" && top != "right";
}

base::Result<std::string> zone_footer(std::string_view content) {
  if (!content.starts_with("TZif"))
    return base::failure(base::Code::InvalidArgument, "not a TZif file");
  // Version 1 has no footer.
  if (content.size() < 5 || content[4] < '2' || content.back() != '\n') return std::string();
  content.remove_suffix(1);
  const size_t newline = content.rfind('\n');
  if (newline == std::string_view::npos) return std::string();
  return std::string(content.substr(newline + 1));
}

base::Result<std::string> read_zone_footer(const std::string& name) {
  // Folders ("Europe") and files that are no zone are no zones, either.
  const auto content = base::read_file(kFolder + name, kMaxFileSize);
  if (!content || content->empty())
    return base::failure(base::Code::NotFound, "cannot read " + (kFolder + name));
  return zone_footer(*content);
}

std::string tzdata_version() {
  // "# version 2026f"
  constexpr std::string_view kPrefix = "# version ";
  const std::string text =
      base::read_file(std::string(kFolder) + "tzdata.zi", kMaxFileSize).value_or("");
  if (!text.starts_with(kPrefix)) return "unknown";
  return text.substr(kPrefix.size(), text.find('\n') - kPrefix.size());
}

}  // namespace scheduler
