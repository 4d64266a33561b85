#pragma once

// Lists of a pod in which a name may stand once: environment, ports, mounts, volumes. Several hands
// write them (a template, Spark, fields of the application); the last one counts, and what it
// overruled is told.
//
// Threads: pure.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace runner::submission {

// `role` ("spec.driver") begins what is added to `warnings`. Only of elements that differ.
void merge_duplicates(nlohmann::json& pod, std::string_view role,
                      std::vector<std::string>& warnings);

}  // namespace runner::submission
