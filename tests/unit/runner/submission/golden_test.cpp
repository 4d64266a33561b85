#include <algorithm>
#include <map>

#include "runner/submission/spark_version.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/submission/recording.h"
#include "tests/unit/runner/submission/yaml_documents.h"

using namespace runner::submission::test;
using runner::submission::parse_spark_version;

namespace {

// Where we differ on purpose, in every line that has a recording of this name. Every other
// recording is compared; a new file needs no word here.
struct Difference {
  const char* name;
  const char* why;
  const char* ours;              // what we refuse it with; "" where we accept it
  std::string_view until = "9";  // the lines before this one
};
constexpr Difference kDifferences[] = {
    {.name = "deps_jars_s3a",
     .why = "spark-submit had no S3 file system at hand; the driver does the reading",
     .ours = ""},
    {.name = "template_error_kind",
     .why = "the API server refused this one; we look before we send",
     .ours = "the driver's pod template is not a Pod"},
    {.name = "template_error_missing_executor_file",
     .why = "the service reads no files of its machine",
     .ours = "spark.kubernetes.executor.podTemplateFile: $CASE_DIR/nothing.yaml is a file of the "
             "submitting machine"},
    {.name = "upload_main_jar",
     .why = "uploads would read the service's disk",
     .ours = "main resource: $CASE_DIR/app.jar is a file of the submitting machine, and uploading "
             "is not supported; local:// names a file of the image"},
    {.name = "upload_files_only",
     .why = "uploads would read the service's disk",
     .ours = "spark.files: $CASE_DIR/data.txt is a file of the submitting machine, and uploading "
             "is not supported; local:// names a file of the image"},
    {.name = "upload_main_class_from_manifest",
     .why = "we do not open jars",
     .ours = "Failed to get main class in JAR with error 'this service does not read jars'.  "
             "Please specify one with --class."},
    {.name = "name_leading_digit",
     .why = "the API server refuses a Service whose name begins with a digit",
     .ours = "",
     .until = "3.2"},
};

const Difference* difference_of(const std::string& version, const std::string& name) {
  const auto* at =
      std::find_if(std::begin(kDifferences), std::end(kDifferences),
                   [&](const Difference& one) { return one.name == name && version < one.until; });
  return at == std::end(kDifferences) ? nullptr : at;
}

struct Comparison {
  std::string refused;  // by us, with these words
  std::string difference;
};

Comparison compare(const Recording& recording) {
  const auto built = build(recording);
  const std::string error = recorded_error(recording);
  if (!built) {
    const std::string ours = built.error().message;
    return {ours, ours == error ? "" : "refused with: " + ours + "\nrecorded:     " + error};
  }
  if (!error.empty()) return {"", "accepted; recorded: " + error};
  const auto patch = nlohmann::json::diff(normalised_recording(recording), normalised(*built));
  return {"", patch.empty() ? "" : patch.dump(1)};
}

}  // namespace

TEST_CASE("objects equal those of the real spark-submit, in every line and every recording") {
  for (const std::string& version : recorded_versions()) {
    for (const std::string& name : recorded_cases(version)) {
      DYNAMIC_SECTION(version << " " << name) {
        const Comparison result = compare(load_recording(version, name));
        INFO(result.difference);
        if (const Difference* known = difference_of(version, name)) {
          INFO("differs on purpose: " << known->why);
          CHECK_FALSE(result.difference.empty());
          CHECK(result.refused == known->ours);
        } else {
          CHECK(result.difference.empty());
        }
      }
    }
  }
}

TEST_CASE("every difference on purpose belongs to a recording") {
  std::map<std::string, int> found;
  for (const std::string& version : recorded_versions())
    for (const std::string& name : recorded_cases(version))
      ++found[name];
  for (const Difference& one : kDifferences) {
    INFO(one.name);
    CHECK(found.contains(one.name));
  }
}

TEST_CASE("every recorded line has rules of its own, and the README counts its recordings") {
  const std::string readme = read_project_file("runner/submission/README.md");
  for (const std::string& text : recorded_versions()) {
    const auto version = parse_spark_version(text);
    REQUIRE(version.has_value());
    CHECK(version->warning.empty());
    const std::string row =
        "| " + text + " | " + std::to_string(recorded_cases(text).size()) + " |";
    INFO(row);
    CHECK(readme.find(row) != std::string::npos);
  }
}

TEST_CASE("the comparison sees a change of any leaf") {
  const Recording recording = load_recording("4.0.1", "volume_pvc_on_demand");
  const auto built = build(recording);
  REQUIRE(built.has_value());
  const auto ours = normalised(*built);
  const auto leaves = ours.flatten();
  REQUIRE(leaves.size() > 60);
  for (const auto& [path, value] : leaves.items()) {
    auto changed = leaves;
    changed[path] = "changed";
    INFO(path);
    CHECK_FALSE(changed.unflatten() == normalised_recording(recording));
  }
}
