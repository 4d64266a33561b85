#include "runner/node/paths.h"

#include <algorithm>
#include <cctype>

#include "base/properties.h"

namespace runner::node {
namespace {

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
}

// The word in front of a colon at `colon`: the scheme of a URI, or whatever else stands there.
std::string_view word_before(std::string_view text, size_t colon) {
  size_t begin = colon;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) != 0 ||
                       text[begin - 1] == '+' || text[begin - 1] == '-'))
    --begin;
  return text.substr(begin, colon - begin);
}

// Whether an absolute path of this machine may begin at `at` (where there is a slash).
bool begins_path(std::string_view text, size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (is_name_character(before) || before == '}' || before == '~') return false;
  if (before == '/') {
    // "local:///opt": the authority is empty. A double slash inside a path begins nothing.
    if (at < 3 || text[at - 2] != '/' || text[at - 3] != ':') return false;
    const std::string_view scheme = word_before(text, at - 3);
    return scheme == "local" || scheme == "file";
  }
  if (before == ':') {
    // "a:/opt" is an entry of a class path; "hdfs:/opt" is somewhere else.
    static constexpr std::string_view kElsewhere[] = {
        "hdfs",  "viewfs", "webhdfs", "s3",   "s3a",   "s3n", "gs",   "abfs",
        "abfss", "wasb",   "wasbs",   "http", "https", "ftp", "sftp", "oss",
        "cosn",  "obs",    "ofs",     "o3fs", "swift", "dbfs"};
    const std::string_view word = word_before(text, at - 1);
    return std::find(std::begin(kElsewhere), std::end(kElsewhere), word) == std::end(kElsewhere);
  }
  return true;
}

}  // namespace

void PathMap::add(std::string from, std::string to) {
  while (from.size() > 1 && from.back() == '/')
    from.pop_back();
  if (from.empty() || from == "/") return;
  const auto at = std::find_if(rules_.begin(), rules_.end(), [&](const PathRule& rule) {
    return rule.from.size() <= from.size();
  });
  rules_.insert(at, {.from = std::move(from), .to = std::move(to)});
}

std::string PathMap::rewrite(std::string_view text) const {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const PathRule* found = nullptr;
    if (text[at] == '/' && begins_path(text, at)) {
      for (const PathRule& rule : rules_) {
        const size_t end = at + rule.from.size();
        if (text.substr(at, rule.from.size()) != rule.from) continue;
        if (end < text.size() && is_name_character(text[end])) continue;
        found = &rule;
        break;
      }
    }
    if (found == nullptr) {
      result += text[at++];
    } else {
      result += found->to;
      at += found->from.size();
    }
  }
  return result;
}

std::string PathMap::rewrite_properties(std::string_view text) const {
  const auto belongs_to_executors = [](const std::string& key) {
    if (key == "spark.kubernetes.executor.podTemplateFile") return false;
    return key.starts_with("spark.kubernetes.executor.") || key.starts_with("spark.executorEnv.") ||
           key.starts_with("spark.kubernetes.driver.volumes.") ||
           key == "spark.executor.extraJavaOptions" || key == "spark.executor.extraClassPath" ||
           key == "spark.executor.extraLibraryPath" || key == "spark.executor.defaultJavaOptions";
  };
  base::Properties properties = base::parse_properties(text);
  for (auto& [key, value] : properties)
    if (!belongs_to_executors(key)) value = rewrite(value);
  return base::format_properties(properties);
}

}  // namespace runner::node
