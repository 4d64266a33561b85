#include "runner/submission/conf_folder.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace runner::submission {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [name](std::string_view ending) { return name.ends_with(ending); });
}

bool is_left_out(std::string_view name) {
  return ends_with_any(name, {".template", ".gz", ".zip", ".jar", ".tar"}) ||
         (name.starts_with("spark") && ends_with_any(name, {"conf", "properties"}));
}

}  // namespace

nlohmann::json conf_folder_files(const std::map<std::string, std::string>& files,
                                 size_t less_than) {
  std::vector<std::pair<std::string, std::string>> chosen;
  for (const auto& [name, content] : files) {
    if (!is_left_out(name) && base::is_utf8(content)) chosen.emplace_back(name, content);
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  nlohmann::json data = nlohmann::json::object();
  size_t bytes = 0;
  for (auto& [name, content] : chosen) {
    bytes += name.size() + content.size();
    if (bytes >= less_than) break;
    data[name] = std::move(content);
  }
  return data;
}

}  // namespace runner::submission
