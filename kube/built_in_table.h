#pragma once

// The texts of built_in_types.txt and built_in_descriptions.txt, compiled in by CMake.

#include <string_view>

namespace kube {

std::string_view built_in_table();
// `Pod: …` and `PodSpec.volumes: …`, one a line.
std::string_view built_in_descriptions();

}  // namespace kube
