#include "tools/sparkctl/submit_door.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>
#include <pwd.h>
#include <unistd.h>

#include "base/files.h"
#include "base/yaml/yaml.h"
#include "runner/submission/conf.h"
#include "runner/submission/conf_folder.h"
#include "runner/submission/submit_arguments.h"

namespace sparkctl {
namespace {

using base::Code;
using nlohmann::json;
using runner::submission::SubmitRequest;

constexpr size_t kLargest = size_t{3} << 20;
constexpr size_t kMostConfFiles = 1000;

constexpr std::array kVariables = {"SPARK_USER",
                                   "SPARK_LOCAL_DIRS",
                                   "PYSPARK_PYTHON",
                                   "PYSPARK_DRIVER_PYTHON",
                                   "HADOOP_CONF_DIR",
                                   "MASTER",
                                   "DEPLOY_MODE",
                                   "SPARK_DRIVER_MEMORY",
                                   "SPARK_EXECUTOR_MEMORY",
                                   "SPARK_EXECUTOR_CORES"};
// Settings whose value is the path of a file that spark-submit reads.
constexpr std::array<std::string_view, 5> kNamesFile = {
    "spark.kubernetes.driver.podTemplateFile", "spark.kubernetes.executor.podTemplateFile",
    "spark.kubernetes.authenticate.driver.caCertFile",
    "spark.kubernetes.authenticate.driver.clientKeyFile",
    "spark.kubernetes.authenticate.driver.clientCertFile"};

// As Hadoop finds the user.
std::string user_name(const Environment& environment) {
  if (std::string named = environment("HADOOP_USER_NAME"); !named.empty()) return named;
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return "root";
}

std::map<std::string, std::string> conf_folder(const Environment& environment) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> files;
  fs::path folder = environment("SPARK_CONF_DIR");
  if (folder.empty() && !environment("SPARK_HOME").empty())
    folder = fs::path(environment("SPARK_HOME")) / "conf";
  if (folder.empty()) return files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored) || files.size() >= kMostConfFiles) continue;
    if (auto text = base::read_file(at->path(), kLargest))
      files[at->path().filename().string()] = *std::move(text);
  }
  return files;
}

void load(const std::string& path, SubmitRequest& request) {
  if (path.empty()) return;
  if (auto text = base::read_file(path, kLargest)) request.local_files[path] = *std::move(text);
}

std::string properties_file(const std::vector<std::string>& arguments) {
  // The last one counts, as for every option.
  const auto at = std::find(arguments.rbegin(), arguments.rend(), "--properties-file");
  return at == arguments.rend() || at == arguments.rbegin() ? "" : *(at - 1);
}

// Takes the files of the conf folder away that spark.kubernetes.configMap.maxSize has no room for.
// What never travels stays, since it may have settings.
base::Status limit_conf_folder(SubmitRequest& request) {
  namespace submission = runner::submission;
  constexpr std::string_view kKey = "spark.kubernetes.configMap.maxSize";
  const std::string written = submission::first_of(request.conf, {kKey});
  if (written.empty()) return {};
  const auto size = submission::integer_or(request.conf, kKey, 0);
  if (!size || *size < 0)
    return base::failure(Code::InvalidArgument,
                         std::string(kKey) + " should be long, but was " + written);
  const json travels = submission::conf_folder_files(request.conf_files);
  const json fits = submission::conf_folder_files(request.conf_files, static_cast<size_t>(*size));
  std::erase_if(request.conf_files, [&](const auto& file) {
    return travels.contains(file.first) && !fits.contains(file.first);
  });
  return {};
}

}  // namespace

base::Result<SubmitRequest> read_submit_door(const SubmitDoor& door,
                                             const Environment& environment) {
  SubmitRequest bare;
  bare.os_user = user_name(environment);
  bare.conf_files = conf_folder(environment);
  for (const char* name : kVariables)
    if (std::string value = environment(name); !value.empty())
      bare.environment[name] = std::move(value);
  load(properties_file(door.arguments), bare);
  // Which files are named is known only after the first reading.
  ASSIGN_OR_RETURN(const SubmitRequest first,
                   runner::submission::read_submit_arguments(door.arguments, bare));
  for (const std::string_view key : kNamesFile)
    load(runner::submission::first_of(first.conf, {key}), bare);
  ASSIGN_OR_RETURN(SubmitRequest request,
                   runner::submission::read_submit_arguments(door.arguments, std::move(bare)));
  const auto file = request.local_files.find(
      runner::submission::first_of(request.conf, {"spark.kubernetes.driver.podTemplateFile"}));
  if (file != request.local_files.end()) {
    auto documents = base::yaml::parse_all(file->second);
    if (!documents) return base::failure(documents.error().with_context(file->first));
    request.driver_template = documents->empty() ? json::object() : documents->front();
  }
  RETURN_IF_ERROR(limit_conf_folder(request));
  return request;
}

}  // namespace sparkctl
