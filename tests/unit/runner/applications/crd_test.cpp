#include "tests/support/crd.h"

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "runner/application.h"
#include "tests/support/catch.h"

using std::chrono::seconds;

TEST_CASE("the CRD declares every field that an application's status can have") {
  const base::WallTime time{seconds(1'800'000'000)};
  const runner::ApplicationStatus all{.state = runner::AppState::Running,
                                      .error_message = "image pull failed",
                                      .stop_reason = "activeDeadlineSeconds",
                                      .app_id = "spark-1",
                                      .submission_id = "1-1",
                                      .spec_hash = "abc",
                                      .restart_hash = "def",
                                      .observed_generation = 1,
                                      .execution_attempts = 2,
                                      .submission_attempts = 3,
                                      .failures_in_a_row = 4,
                                      .last_submission = time,
                                      .not_submitted_since = time,
                                      .driver_started = time,
                                      .terminated = time,
                                      .driver_pod = "driver",
                                      .web_ui_address = "10.0.0.1:4040",
                                      .driver_exit_code = 1,
                                      .executor_state = {{"exec-1", "RUNNING"}},
                                      .executor_failures = 5};
  const nlohmann::json written = runner::write_status(all);
  CHECK(tests::undeclared("SparkApplication", written) == std::vector<std::string>{});
  CHECK(tests::undeclared("SparkApplication", runner::write_status({})) ==
        std::vector<std::string>{});
  // Nothing was left out of `all`: each field is written, and read as it was.
  CHECK(runner::read_application({{"status", written}}).status == all);
  // The check itself.
  CHECK(tests::undeclared("SparkApplication",
                          {{"submissionID", 7}, {"driverInfo", {{"podname", "x"}}}}) ==
        std::vector<std::string>{"status.driverInfo.podname", "status.submissionID"});
}
