#pragma once

// Precompiled in builds for developers (SPARKCRON_PCH): what most files include, and takes longest
// to read. No file may rely on it: the release build, which has none, finds what is missing.

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

// Compiled once, in precompiled.cpp, not in each file that uses it.
extern template class nlohmann::basic_json<>;
