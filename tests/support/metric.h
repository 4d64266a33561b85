#pragma once

// metric: one number of a scrape.
//
// Threads: any.

#include <optional>
#include <string>

#include "monitor/metrics.h"

namespace tests {

// The value of the sample with exactly this name and labels; nullopt when there is none.
inline std::optional<double> metric(const monitor::Metrics& metrics, const std::string& name) {
  const std::string text = metrics.text();
  const size_t at = ("\n" + text).find("\n" + name + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + name.size() + 1));
}

}  // namespace tests
