#pragma once

// What `render` has made of one application, and how it is written: as a stream or a List that
// kubectl takes, or as the command line of the spark-submit that would do the same.
//
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "runner/submission/submit_request.h"
#include "tools/sparkctl/session.h"

namespace sparkctl {

struct Rendered {
  std::string title;                    // `SparkApplication default/pi`
  std::vector<nlohmann::json> objects;  // in the order in which they are created
  runner::submission::SubmitRequest request;
  std::vector<std::string> warnings;
};

std::string objects_text(const std::vector<Rendered>& all, Output output);
std::string conf_text(const std::vector<Rendered>& all, Output output);

}  // namespace sparkctl
