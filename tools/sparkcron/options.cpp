#include "tools/sparkcron/options.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include "config/quantity.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

// Less would not hold the definitions that the service brings along, and some runs.
constexpr uint64_t kLeastQuota = uint64_t{1} << 20;

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() && !text.empty();
}

// More than any machine has: a slip of the pen.
constexpr int64_t kTooMuch = int64_t{1} << 62;

// A Kubernetes quantity of at least one byte.
std::optional<uint64_t> parse_bytes(std::string_view text) {
  const auto bytes = config::parse_whole(text);
  if (!bytes || *bytes <= 0 || *bytes >= kTooMuch) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

}  // namespace

base::Result<ListenAddress> parse_listen(const std::string& text, const std::string& option) {
  const auto wrong = [&] {
    return failure(Code::InvalidArgument,
                   option + " " + text + ": HOST:PORT expected, such as 127.0.0.1:8680 or [::1]:0");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  ListenAddress address;
  std::string host = text.substr(0, colon);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  if (!host.empty()) address.host = host;
  if (!parse_number(std::string_view(text).substr(colon + 1), address.port)) return wrong();
  return address;
}

base::Result<NodeCapacity> parse_capacity(const std::string& text) {
  NodeCapacity capacity;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    bool ok = false;
    if (name == "cpu") {
      double cpu = 0;
      ok = parse_number(value, cpu) && cpu > 0;
      capacity.cpu = cpu;
    } else if (name == "memory") {
      capacity.memory_bytes = parse_bytes(value);
      ok = capacity.memory_bytes.has_value();
    } else if (name == "pods") {
      ok = parse_number(value, capacity.pods) && capacity.pods > 0;
    }
    if (!ok) {
      return failure(Code::InvalidArgument,
                     "--node-capacity: \"" + std::string(part) +
                         "\": expected the likes of cpu=8,memory=16Gi,pods=50");
    }
  }
  return capacity;
}

base::Result<uint64_t> parse_storage_quota(const std::string& text) {
  const auto bytes = parse_bytes(text);
  if (!bytes || *bytes < kLeastQuota)
    return failure(Code::InvalidArgument,
                   "--storage-quota " + text + ": a size of at least 1Mi expected, such as 2Gi");
  return *bytes;
}

base::Result<std::string> resolve_data_dir(const std::string& given) {
  std::string path = given;
  if (path.empty()) {
    const char* data_home = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    if (data_home != nullptr && *data_home == '/') {
      path = std::string(data_home) + "/sparkcron";
    } else if (home != nullptr && *home != '\0') {
      path = std::string(home) + "/.local/share/sparkcron";
    } else {
      return failure(Code::InvalidArgument,
                     "neither XDG_DATA_HOME nor HOME is set: give --data-dir");
    }
  }
  std::error_code problem;
  const std::filesystem::path absolute = std::filesystem::absolute(path, problem);
  if (problem)
    return failure(Code::InvalidArgument, "--data-dir " + path + ": " + problem.message());
  return absolute.lexically_normal().string();
}

}  // namespace sparkcron
