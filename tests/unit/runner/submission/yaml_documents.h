#pragma once

// YAML of the project (templates, samples, CRDs) as JSON, for tests.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace runner::submission::test {

// A file by its path from the root of the project.
std::string read_project_file(const std::string& path);

// Plain scalars may be null, booleans and integers; quoted ones are strings.
enum class LeadingZero { Octal, Decimal };
std::vector<nlohmann::json> read_yaml(const std::string& text,
                                      LeadingZero zero = LeadingZero::Octal);

}  // namespace runner::submission::test
