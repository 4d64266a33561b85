#pragma once

// What tests of the node look at: processes, files, pods.
//
// Threads: one.

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/await.h"

namespace tests {

// Marked processes of a pod.
size_t living(const std::string& uid);
std::string text_of(const std::filesystem::path& path);
// Of the first container.
std::string waiting_message(const nlohmann::json& pod);

}  // namespace tests
