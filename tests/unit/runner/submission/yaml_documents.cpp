#include "tests/unit/runner/submission/yaml_documents.h"

#include <charconv>
#include <fstream>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "tests/support/catch.h"

namespace runner::submission::test {
namespace {

using nlohmann::json;

json scalar(const YAML::Node& node, LeadingZero zero) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "true" || text == "false") return text == "true";
  int64_t number = 0;
  const bool octal = zero == LeadingZero::Octal && text.size() > 1 && text.front() == '0';
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number, octal ? 8 : 10);
  if (problem == std::errc{} && end == text.data() + text.size()) return number;
  return text;
}

json to_json(const YAML::Node& node, LeadingZero zero) {
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& member : node)
      object[member.first.Scalar()] = to_json(member.second, zero);
    return object;
  }
  if (node.IsSequence()) {
    json list = json::array();
    for (const auto& item : node)
      list.push_back(to_json(item, zero));
    return list;
  }
  return node.IsScalar() ? scalar(node, zero) : json(nullptr);
}

}  // namespace

std::string read_project_file(const std::string& path) {
  std::ifstream file(std::string(SPARKCRON_SOURCE_DIR) + "/" + path, std::ios::binary);
  INFO(path);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<json> read_yaml(const std::string& text, LeadingZero zero) {
  std::vector<json> documents;
  for (const YAML::Node& node : YAML::LoadAll(text))
    documents.push_back(to_json(node, zero));
  REQUIRE_FALSE(documents.empty());
  return documents;
}

}  // namespace runner::submission::test
