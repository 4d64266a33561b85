#pragma once

// The text of built_in_types.txt, compiled in by CMake.

#include <string_view>

namespace kube::server::machinery {

std::string_view built_in_table();

}  // namespace kube::server::machinery
