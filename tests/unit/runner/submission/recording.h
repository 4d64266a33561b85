#pragma once

// A recording of the real spark-submit (tests/golden/README.md): its input as a request, and both
// sides brought to one form, so that they can be compared field by field.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "runner/submission/names.h"
#include "runner/submission/submission.h"
#include "runner/submission/submit_request.h"

namespace runner::submission::test {

struct Recording {
  std::string version;
  nlohmann::json json;
};

// What tests/golden has: its folders, and the files of one, by name.
std::vector<std::string> recorded_versions();
std::vector<std::string> recorded_cases(const std::string& version);
Recording load_recording(const std::string& version, const std::string& name);
// Our second stage on the recording's input.
base::Result<Submission> build(const Recording& recording);

// The objects by kind and name, without what differs on purpose: owners, and the order of lists
// that mean sets. Placeholders as in the recordings, except that one unique id serves all names.
nlohmann::json normalised_recording(const Recording& recording);
nlohmann::json normalised(const Submission& submission);
// "" when nothing was refused; without the Java class in front.
std::string recorded_error(const Recording& recording);

}  // namespace runner::submission::test
