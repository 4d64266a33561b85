// A SparkApplication in: what is accepted is a complete submission, the same every time; what is
// not gets a message. Input that is no JSON is read as spark.properties instead.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/properties.h"
#include "runner/submission/names.h"
#include "runner/submission/submission.h"

namespace {

using nlohmann::json;
namespace submission = runner::submission;

void check_properties(std::string_view text) {
  const base::Properties conf = base::parse_properties(text);
  CHECK(base::parse_properties(base::format_properties(conf)) == conf);
}

void check_object(const json& object) {
  CHECK(!base::string_at(object, {"kind"}).empty());
  CHECK(!base::string_at(object, {"metadata", "name"}).empty());
}

void check_application(const json& application) {
  const submission::SubmissionIds ids = submission::submission_ids("uid", 1, 1);
  const submission::Context context = {.app_id = ids.app_id,
                                       .unique_id = ids.unique_id,
                                       .submission_id = "submission",
                                       .master_url = "https://10.0.0.1:443",
                                       .submit_time = {},
                                       .default_conf = {},
                                       .forced_conf = {}};
  const auto built = submission::build_submission(application, context);
  if (!built) {
    CHECK(!built.error().message.empty());
    return;
  }
  for (const json& object : built->before_pod)
    check_object(object);
  check_object(built->driver_pod);
  const auto again = submission::build_submission(application, context);
  CHECK(again.has_value());
  CHECK(again->before_pod == built->before_pod);
  CHECK(again->driver_pod == built->driver_pod);
  const json& map = built->before_pod.front();
  const auto conf = base::parse_properties(base::string_at(map, {"data", "spark.properties"}));
  CHECK(conf.at("spark.app.id") == ids.app_id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto application = base::parse_json(text);
  if (application) {
    check_application(*application);
  } else {
    check_properties(text);
  }
  return 0;
}
