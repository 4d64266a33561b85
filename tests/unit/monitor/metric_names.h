#pragma once

// undocumented_metrics: the families of a scrape that the table in monitor/README.md does not name.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tests {

inline std::vector<std::string> undocumented_metrics(const std::string& source_dir,
                                                     const std::string& scrape) {
  std::ifstream file(source_dir + "/monitor/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  std::vector<std::string> missing;
  std::istringstream lines(scrape);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const std::string name = line.substr(7, line.find(' ', 7) - 7);
    if (readme.str().find("`" + name + "`") == std::string::npos) missing.push_back(name);
  }
  return missing;
}

}  // namespace tests
