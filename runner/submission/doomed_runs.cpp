#include "runner/submission/doomed_runs.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

// Where people wrote what became `key`.
std::string path_of(const json& application, const char* owner, const char* field,
                    const char* key) {
  const json* written = base::find(application, {"spec", owner, field});
  const bool in_field = written != nullptr && !written->empty();
  return in_field ? std::string("spec.") + owner + "." + field
                  : std::string("spec.sparkConf: ") + key;
}

// The launcher refuses the driver's, SparkContext the executors', also where they are threads.
base::Status check_java_options(const json& application, const Conf& conf) {
  struct Forbidden {
    const char* role;
    const char* key;
    std::string_view text;
    const char* instead;
  };
  constexpr Forbidden kForbidden[] = {
      {"driver", "spark.driver.extraJavaOptions", "Xmx", "-Xmx: spec.driver.memory is the heap"},
      {"executor", "spark.executor.extraJavaOptions", "-Xmx",
       "-Xmx: spec.executor.memory is the heap"},
      {"executor", "spark.executor.extraJavaOptions", "-Dspark",
       "settings of Spark: those belong into spec.sparkConf"},
  };
  for (const Forbidden& one : kForbidden) {
    if (first_of(conf, {one.key}).find(one.text) == std::string::npos) continue;
    return failure(Code::InvalidArgument, path_of(application, one.role, "javaOptions", one.key) +
                                              " must not have " + one.instead);
  }
  return {};
}

base::Status check_dynamic_allocation(const json& application, const Conf& conf) {
  constexpr const char* kLeast = "spark.dynamicAllocation.minExecutors";
  constexpr const char* kMost = "spark.dynamicAllocation.maxExecutors";
  if (first_of(conf, {"spark.dynamicAllocation.enabled"}) != "true" || !has(conf, kMost)) return {};
  if (first_of(conf, {"spark.kubernetes.driver.master"}).starts_with("local")) return {};
  const auto least = integer_or(conf, kLeast, 0);
  const auto most = integer_or(conf, kMost, 0);
  if (!least || !most) return {};  // Spark's defaults are texts that it computes
  const std::string path = path_of(application, "dynamicAllocation", "maxExecutors", kMost);
  if (*most <= 0) return failure(Code::InvalidArgument, path + " must be over zero");
  if (*least > *most)
    return failure(Code::InvalidArgument, path + " is " + std::to_string(*most) +
                                              ", less than minExecutors, " +
                                              std::to_string(*least));
  return {};
}

// groupId:artifactId:version, each of them something.
bool is_coordinate(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(":/") + 1);  // as Java splits
  size_t parts = 1;
  bool blank = true;
  for (const char c : text) {
    if (c == ':' || c == '/') {
      if (blank) return false;
      ++parts;
      blank = true;
    } else if (c != ' ') {
      blank = false;
    }
  }
  return parts == 3 && !blank;
}

base::Status check_packages(const json& application, const Conf& conf) {
  constexpr const char* kKey = "spark.jars.packages";
  std::string packages = first_of(conf, {kKey});
  packages.resize(packages.find_last_not_of(',') + 1);  // as Java splits
  if (packages.empty() || packages.find("${") != std::string::npos) return {};
  for (size_t begin = 0; begin <= packages.size();) {
    const size_t end = std::min(packages.find(',', begin), packages.size());
    const std::string one = packages.substr(begin, end - begin);
    if (!is_coordinate(one))
      return failure(Code::InvalidArgument,
                     path_of(application, "deps", "packages", kKey) +
                         ": Provided Maven Coordinates must be in the form "
                         "'groupId:artifactId:version'. The coordinate provided is: " +
                         one);
    begin = end + 1;
  }
  return {};
}

}  // namespace

base::Status check_doomed(const json& application, const Conf& conf) {
  RETURN_IF_ERROR(check_java_options(application, conf));
  RETURN_IF_ERROR(check_dynamic_allocation(application, conf));
  return check_packages(application, conf);
}

}  // namespace runner::submission
