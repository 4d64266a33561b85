#pragma once

// SubmitRequest: everything that one spark-submit in cluster mode depends on, as values. The second
// stage turns it into objects; the first stage makes it from a SparkApplication; submit_arguments
// makes it from a spark-submit command line.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // a member by value

#include "runner/submission/conf.h"

namespace runner::submission {

// Whose files file: URIs are: on one machine, the pods'. What sparkctl has put into pods
// (config::kUploadFolder) is always theirs.
enum class FileUris { Submitters, Pods };

struct SubmitRequest {
  Conf conf;  // what the user and the service set; keys outside "spark." are dropped with a warning
  // Whether --archives said spark.archives: Spark 3.0 drops the flag, and has no use for the key.
  bool archives_by_flag = false;
  std::string name;  // "" = spark.app.name, else the main class, else the resource's file name
  std::string main_class;  // "" for Python and R
  std::string main_resource;
  std::vector<std::string> arguments;
  std::string proxy_user;
  FileUris file_uris = FileUris::Submitters;

  // Pod templates. The driver's as an object (null: none); the executor's as the text that travels
  // to the driver in a ConfigMap.
  nlohmann::json driver_template;
  std::optional<std::string> executor_template;

  // Of the submitter: SPARK_USER, SPARK_LOCAL_DIRS, PYSPARK_PYTHON, PYSPARK_DRIVER_PYTHON,
  // HADOOP_CONF_DIR, SPARK_DRIVER_MEMORY and what else stands for a setting. Empty in the service:
  // nothing of its own environment reaches a run.
  std::map<std::string, std::string> environment;
  std::string os_user = "root";
  // Files of SPARK_CONF_DIR, by name; they go to /opt/spark/conf of the driver.
  std::map<std::string, std::string> conf_files;
  // Contents of files that the conf names by path. Empty in the service: a path on the machine of
  // the service is refused.
  std::map<std::string, std::string> local_files;
};

}  // namespace runner::submission
