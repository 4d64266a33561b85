#pragma once

// The files of web/, compiled into the program, in the order of asset_names().
//
// Threads: constant data.

#include <string_view>
#include <vector>

namespace monitor::dashboard {

const std::vector<std::string_view>& asset_names();  // "index.html", "vendor/preact.js"
const std::vector<std::string_view>& asset_texts();

}  // namespace monitor::dashboard
