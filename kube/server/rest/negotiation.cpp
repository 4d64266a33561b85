#include "kube/server/rest/negotiation.h"

#include <algorithm>
#include <map>
#include <vector>

namespace kube::server::rest {
namespace {

constexpr size_t kMaxRanges = 32;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (parts.size() < kMaxRanges) {
    const size_t end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

struct MediaRange {
  std::string type;
  std::map<std::string, std::string, std::less<>> parameters;
  [[nodiscard]] std::string_view parameter(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
  }
};

MediaRange parse_range(std::string_view text) {
  const auto parts = split(text, ';');
  MediaRange range{.type = media_type(parts[0]), .parameters = {}};
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    range.parameters.emplace(parts[i].substr(0, equals), parts[i].substr(equals + 1));
  }
  return range;
}

bool is_json(const std::string& type) {
  return type == "application/json" || type == "*/*" || type == "application/*";
}

}  // namespace

std::string media_type(std::string_view content_type) {
  std::string type(trim(content_type.substr(0, content_type.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
}

std::optional<Representation> negotiate(std::string_view accept) {
  if (trim(accept).empty()) return Representation{};
  for (const std::string_view text : split(accept, ',')) {
    const MediaRange range = parse_range(text);
    const std::string_view as = range.parameter("as");
    if (range.type == "application/yaml" && as.empty())
      return Representation{.syntax = Syntax::Yaml};
    if (!is_json(range.type)) continue;
    if (as.empty()) return Representation{};
    if (range.parameter("g") != "meta.k8s.io") continue;
    const std::string_view version = range.parameter("v");
    if (version != "v1" && version != "v1beta1") continue;
    if (as == "Table")
      return Representation{.form = Form::Table, .meta_version = std::string(version)};
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
      return Representation{.form = Form::Metadata, .meta_version = std::string(version)};
    }
  }
  return std::nullopt;
}

std::string aggregated_discovery_version(std::string_view accept) {
  for (const std::string_view text : split(accept, ',')) {
    const MediaRange range = parse_range(text);
    if (!is_json(range.type)) continue;
    const std::string_view as = range.parameter("as");
    if (as.empty()) return "";
    const std::string_view version = range.parameter("v");
    if (as == "APIGroupDiscoveryList" && range.parameter("g") == "apidiscovery.k8s.io" &&
        (version == "v2" || version == "v2beta1")) {
      return std::string(version);
    }
  }
  return "";
}

}  // namespace kube::server::rest
