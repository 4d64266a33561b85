#include "runner/submission/conf_resolution.h"

#include <array>
#include <charconv>

#include "config/names.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;

constexpr std::string_view kInternal = "spark-internal";
// Lists of paths, each of which may hold files of the submitting machine.
constexpr std::array kPathLists = {"spark.jars", "spark.files", "spark.archives",
                                   "spark.submit.pyFiles"};

// Spark replaces ${…} in these when it submits; anything else travels as it is and is replaced in
// the driver. The places to look a variable up in are the submitter's, so we refuse.
constexpr std::array kReadAtSubmit = {
    "spark.driver.cores",
    "spark.driver.memoryOverhead",
    "spark.driver.memoryOverheadFactor",
    "spark.driver.minMemoryOverhead",
    "spark.driver.port",
    "spark.driver.blockManager.port",
    "spark.blockManager.port",
    "spark.ui.port",
    "spark.kubernetes.namespace",
    "spark.kubernetes.container.image",
    "spark.kubernetes.container.image.pullPolicy",
    "spark.kubernetes.container.image.pullSecrets",
    "spark.kubernetes.driver.container.image",
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.driver.request.cores",
    "spark.kubernetes.driver.limit.cores",
    "spark.kubernetes.driver.scheduler.name",
    "spark.kubernetes.scheduler.name",
    "spark.kubernetes.memoryOverheadFactor",
    "spark.kubernetes.authenticate.driver.serviceAccountName",
    "spark.kubernetes.hadoop.configMapName",
    "spark.kubernetes.kerberos.krb5.configMapName",
    "spark.kubernetes.kerberos.tokenSecret.name",
    "spark.kubernetes.kerberos.tokenSecret.itemKey",
    "spark.kubernetes.local.dirs.tmpfs",
};

bool positive_integer(const std::string& text) {
  int32_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size() && value > 0;
}

base::Status check_amount(const Conf& conf, std::string_view key, bool (*ok)(const std::string&),
                          const char* complaint) {
  const std::string* value = find(conf, key);
  if (value == nullptr || ok(*value)) return {};
  return failure(Code::InvalidArgument, complaint);
}

bool positive_size(const std::string& text) {
  return parse_size(text, SizeUnit::Byte).value_or(0) > 0;
}

base::Status check_arguments(const SubmitRequest& request, const Conf& conf) {
  if (request.main_resource.empty()) {
    return failure(Code::InvalidArgument,
                   "Must specify a primary resource (JAR or Python or R file)");
  }
  RETURN_IF_ERROR(check_amount(conf, "spark.driver.memory", positive_size,
                               "Driver memory must be a positive number"));
  RETURN_IF_ERROR(check_amount(conf, "spark.executor.memory", positive_size,
                               "Executor memory must be a positive number"));
  RETURN_IF_ERROR(check_amount(conf, "spark.driver.cores", positive_integer,
                               "Driver cores must be a positive number"));
  RETURN_IF_ERROR(check_amount(conf, "spark.executor.cores", positive_integer,
                               "Executor cores must be a positive number"));
  if (lower(first_of(conf, {"spark.dynamicAllocation.enabled"})) != "true") {
    RETURN_IF_ERROR(check_amount(conf, "spark.executor.instances", positive_integer,
                                 "Number of executors must be a positive number"));
  }
  if (!request.proxy_user.empty() && has(conf, "spark.kerberos.principal")) {
    return failure(Code::InvalidArgument,
                   "Only one of --proxy-user or --principal can be provided.");
  }
  return {};
}

base::Status check_main_class(const SubmitRequest& request, Language language,
                              const SparkVersion& version) {
  if (request.main_class == "org.apache.spark.sql.connect.service.SparkConnectServer" &&
      version.has(Rule::ConnectServerRefused)) {
    return failure(Code::InvalidArgument,
                   version.has(Rule::ConnectServerByName)
                       ? "Launching Spark Connect server in cluster deploy mode is supported only "
                         "for YARN"
                       : "Cluster deploy mode is not applicable to Spark Connect server.");
  }
  if (request.main_resource == "spark-shell" || request.main_resource == "pyspark-shell" ||
      request.main_resource == "sparkr-shell") {
    return failure(Code::InvalidArgument, "Cluster deploy mode is not applicable to Spark shells.");
  }
  if (language != Language::Jvm || !request.main_class.empty()) return {};
  const std::string scheme(scheme_of(request.main_resource));
  const std::string reason =
      scheme == "local" ? "No FileSystem for scheme \"local\"" : "this service does not read jars";
  return failure(Code::InvalidArgument, "Failed to get main class in JAR with error '" + reason +
                                            "'.  Please specify one with --class.");
}

base::Status check_variables(const Conf& conf) {
  for (const std::string_view key : kReadAtSubmit) {
    const std::string* value = find(conf, key);
    if (value != nullptr && value->find("${") != std::string::npos) {
      return failure(Code::Unimplemented,
                     std::string(key) + ": variables such as ${…} are not supported here");
    }
  }
  return {};
}

// Uploading needs Hadoop's file systems, and what "local" means to a service is its own disk.
base::Status check_no_uploads(const SubmitRequest& request, std::string_view what,
                              std::string_view path) {
  if (!on_submitting_machine(path, request.file_uris)) return {};
  if (!has(request.conf, "spark.kubernetes.file.upload.path")) {
    return failure(Code::InvalidArgument,
                   "Please specify spark.kubernetes.file.upload.path property.");
  }
  return failure(Code::Unimplemented,
                 std::string(what) + ": " + std::string(path) +
                     " is a file of the submitting machine, and uploading is not supported; "
                     "local:// names a file of the image");
}

std::string application_name(const SubmitRequest& request, const Conf& conf) {
  if (!request.name.empty()) return request.name;
  if (const std::string* name = find(conf, "spark.app.name")) return *name;
  if (!request.main_class.empty()) return request.main_class;
  return request.main_resource.substr(request.main_resource.rfind('/') + 1);
}

}  // namespace

std::string_view scheme_of(std::string_view uri) {
  const size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon < 2 || uri.find('/') < colon) return {};
  return uri.substr(0, colon);
}

bool on_submitting_machine(std::string_view uri, FileUris files) {
  const std::string_view scheme = scheme_of(uri);
  if (scheme.empty()) return uri != kInternal && (files != FileUris::Pods || !uri.starts_with('/'));
  if (lower(scheme) != "file" || files == FileUris::Pods) return false;
  uri.remove_prefix(scheme.size() + 1);
  if (uri.starts_with("///")) uri.remove_prefix(2);
  return !uri.starts_with(config::kUploadFolder + std::string("/"));
}

Language language_of(std::string_view main_resource) {
  if (main_resource.ends_with(".py")) return Language::Python;
  if (main_resource.ends_with(".R") || main_resource.ends_with(".r")) return Language::R;
  return Language::Jvm;
}

base::Result<ResolvedSubmission> resolve_conf(const SubmitRequest& request,
                                              const SparkVersion& version,
                                              base::WallTime submit_time) {
  ResolvedSubmission resolved;
  Conf& conf = resolved.conf;
  for (const auto& [key, value] : request.conf) {
    if (key.starts_with("spark.")) {
      conf.emplace(key, value);
    } else {
      resolved.warnings.push_back("configuration key " + key +
                                  " does not start with \"spark.\" and has no effect");
    }
  }
  resolved.language = language_of(request.main_resource);
  RETURN_IF_ERROR(check_arguments(request, conf));
  RETURN_IF_ERROR(check_main_class(request, resolved.language, version));
  RETURN_IF_ERROR(check_variables(conf));

  conf["spark.app.name"] = application_name(request, conf);
  conf["spark.submit.deployMode"] = "cluster";
  conf.try_emplace("spark.submit.pyFiles", "");
  if (version.has(Rule::SubmitTime)) {
    conf.try_emplace("spark.app.submitTime",
                     std::to_string(submit_time.time_since_epoch().count()));
  }
  if (!version.has(Rule::ArchivesTravel) && has(conf, "spark.archives")) {
    if (request.archives_by_flag) conf.erase("spark.archives");
    resolved.warnings.emplace_back("spark.archives has no effect before Spark 3.1");
  }
  conf.erase("spark.driver.host");
  switch (resolved.language) {
    case Language::Jvm: {
      resolved.main_class = request.main_class;
      std::vector<std::string> jars = split_list(first_of(conf, {"spark.jars"}));
      // Since 4.0 the driver does not add its main jar again.
      if (request.main_resource != kInternal) jars.push_back(request.main_resource);
      conf["spark.jars"] = join(jars, ",");
      break;
    }
    case Language::Python:
      resolved.main_class = "org.apache.spark.deploy.PythonRunner";
      break;
    case Language::R:
      resolved.main_class = "org.apache.spark.deploy.RRunner";
      break;
  }
  RETURN_IF_ERROR(check_no_uploads(request, "main resource", request.main_resource));
  for (const std::string_view key : kPathLists) {
    for (const std::string& path : split_list(first_of(conf, {key}))) {
      RETURN_IF_ERROR(check_no_uploads(request, key, path));
    }
  }
  return resolved;
}

}  // namespace runner::submission
