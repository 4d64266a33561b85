#pragma once

// SparkApplications for tests, and a context to build them in.

#include <string>

#include <nlohmann/json.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/submission.h"

namespace runner::submission::test {

// A Scala SparkPi named "pi" in namespace "jobs", with a driver and an executor.
nlohmann::json scala_application();
nlohmann::json python_application();
// `changes` as a JSON merge patch.
nlohmann::json with(nlohmann::json application, const nlohmann::json& changes);

// The first with this spec besides.
nlohmann::json with_spec(const nlohmann::json& spec);

Context context();
// Of standalone: pods are processes.
Context on_a_machine();

// Of a built submission; the test fails when it is not there.
Submission must_build(const nlohmann::json& application, const Context& context = test::context());
// "" when it builds.
std::string refusal(const nlohmann::json& application, const Context& context = test::context());
const nlohmann::json& object(const Submission& submission, const std::string& kind,
                             const std::string& name_part);
Conf properties(const Submission& submission);
const nlohmann::json& driver_container(const Submission& submission);
// The executors' pod template.
nlohmann::json executor_template(const Submission& submission);

}  // namespace runner::submission::test
