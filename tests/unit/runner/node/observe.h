#pragma once

// What tests of the node look at: processes, files, conditions that come true.
//
// Threads: one.

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

namespace tests {

// Waits until `holds`, at most a minute.
template <class Condition>
bool await(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

// Marked processes of a pod.
size_t living(const std::string& uid);
std::string text_of(const std::filesystem::path& path);
// Of the first container.
std::string waiting_message(const nlohmann::json& pod);

}  // namespace tests
