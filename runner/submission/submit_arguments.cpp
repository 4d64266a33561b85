#include "runner/submission/submit_arguments.h"

#include <array>

#include "base/properties.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;

struct Flag {
  std::string_view name;
  std::string_view key;
};
// Flags that are another way to write a configuration key.
constexpr std::array kFlags = {
    Flag{"--master", "spark.master"},
    Flag{"--deploy-mode", "spark.submit.deployMode"},
    Flag{"--jars", "spark.jars"},
    Flag{"--packages", "spark.jars.packages"},
    Flag{"--exclude-packages", "spark.jars.excludes"},
    Flag{"--repositories", "spark.jars.repositories"},
    Flag{"--py-files", "spark.submit.pyFiles"},
    Flag{"--files", "spark.files"},
    Flag{"--archives", "spark.archives"},
    Flag{"--driver-memory", "spark.driver.memory"},
    Flag{"--driver-java-options", "spark.driver.extraJavaOptions"},
    Flag{"--driver-library-path", "spark.driver.extraLibraryPath"},
    Flag{"--driver-class-path", "spark.driver.extraClassPath"},
    Flag{"--driver-cores", "spark.driver.cores"},
    Flag{"--executor-memory", "spark.executor.memory"},
    Flag{"--executor-cores", "spark.executor.cores"},
    Flag{"--num-executors", "spark.executor.instances"},
    Flag{"--principal", "spark.kerberos.principal"},
    Flag{"--keytab", "spark.kerberos.keytab"},
};

// Variables of the submitter that stand for a key nobody has set otherwise.
constexpr std::array kVariables = {
    Flag{"MASTER", "spark.master"},
    Flag{"DEPLOY_MODE", "spark.submit.deployMode"},
    Flag{"SPARK_DRIVER_MEMORY", "spark.driver.memory"},
    Flag{"SPARK_EXECUTOR_MEMORY", "spark.executor.memory"},
    Flag{"SPARK_EXECUTOR_CORES", "spark.executor.cores"},
};

// What the flags say, before the layers are put together.
struct Layers {
  Conf flags;
  Conf confs;
  std::string properties_file;
};

base::Status read_flag(const std::string& name, const std::string& value, Layers& layers,
                       SubmitRequest& request) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name) {
      layers.flags[std::string(flag.key)] = value;
      return {};
    }
  }
  if (name == "--conf" || name == "-c") {
    const size_t equals = value.find('=');
    if (equals == std::string::npos) {
      return failure(Code::InvalidArgument, "Spark config without '=': " + value);
    }
    layers.confs[value.substr(0, equals)] = value.substr(equals + 1);
  } else if (name == "--name") {
    request.name = value;
  } else if (name == "--class") {
    request.main_class = value;
  } else if (name == "--proxy-user") {
    request.proxy_user = value;
  } else if (name == "--properties-file") {
    layers.properties_file = value;
  } else {
    return failure(Code::InvalidArgument, "Unrecognized option: " + name);
  }
  return {};
}

base::Result<Conf> file_layer(const Layers& layers, const SubmitRequest& request) {
  Conf conf;
  if (!layers.properties_file.empty()) {
    const auto file = request.local_files.find(layers.properties_file);
    if (file == request.local_files.end()) {
      return failure(Code::InvalidArgument,
                     "Properties file " + layers.properties_file + " does not exist");
    }
    conf = base::parse_properties(file->second);
  } else if (const auto file = request.conf_files.find("spark-defaults.conf");
             file != request.conf_files.end()) {
    conf = base::parse_properties(file->second);
  }
  for (auto& [key, value] : conf)
    value = std::string(trim(value));
  return conf;
}

// The pod templates that the configuration names by path.
void take_templates(SubmitRequest& request) {
  const auto executor = request.local_files.find(
      first_of(request.conf, {"spark.kubernetes.executor.podTemplateFile"}));
  if (executor != request.local_files.end()) request.executor_template = executor->second;
}

}  // namespace

base::Result<SubmitRequest> read_submit_arguments(const std::vector<std::string>& arguments,
                                                  SubmitRequest request) {
  Layers layers;
  size_t at = 0;
  while (at < arguments.size() && arguments[at].starts_with('-')) {
    if (at + 1 == arguments.size()) {
      return failure(Code::InvalidArgument, "Missing argument for option " + arguments[at]);
    }
    RETURN_IF_ERROR(read_flag(arguments[at], arguments[at + 1], layers, request));
    at += 2;
  }
  if (at < arguments.size()) request.main_resource = arguments[at++];
  request.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at), arguments.end());

  ASSIGN_OR_RETURN(const Conf file, file_layer(layers, request));
  request.archives_by_flag = has(layers.flags, "spark.archives");
  request.conf = std::move(layers.flags);  // the first to name a key decides on it
  request.conf.insert(layers.confs.begin(), layers.confs.end());
  request.conf.insert(file.begin(), file.end());
  for (const Flag& variable : kVariables) {
    const auto set = request.environment.find(std::string(variable.name));
    if (set != request.environment.end())
      request.conf.try_emplace(std::string(variable.key), set->second);
  }
  take_templates(request);
  return request;
}

}  // namespace runner::submission
