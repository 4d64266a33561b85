#include "runner/node/command.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

std::vector<std::string> strings_at(const Json& container, const char* key) {
  std::vector<std::string> strings;
  const Json* array = base::find(container, {key});
  if (array == nullptr || !array->is_array()) return strings;
  for (const Json& item : *array)
    if (item.is_string()) strings.push_back(item.get<std::string>());
  return strings;
}

std::string value_of(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// SPARK_JAVA_OPT_0, _1, …, _10: by number, not by spelling.
std::vector<std::string> java_options(const Environment& environment) {
  static constexpr std::string_view kPrefix = "SPARK_JAVA_OPT_";
  std::map<unsigned, std::string> sorted;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix)) continue;
    unsigned number = 0;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + kPrefix.size(), end, number).ptr == end)
      sorted[number] = value;
  }
  std::vector<std::string> options;
  for (auto& [number, value] : sorted)
    options.push_back(std::move(value));
  return options;
}

std::string class_path(const Environment& environment, const std::string& spark_home) {
  std::string path;
  const auto add = [&path](const std::string& entry) {
    if (!entry.empty()) path += (path.empty() ? "" : ":") + entry;
  };
  const std::string conf = value_of(environment, "SPARK_CONF_DIR");
  add(conf.empty() ? spark_home + "/conf" : conf);
  add(value_of(environment, "HADOOP_CONF_DIR"));
  // SPARK_CLASSPATH is what the driver sets from spark.executor.extraClassPath.
  add(value_of(environment, "SPARK_CLASSPATH"));
  add(value_of(environment, "SPARK_EXTRA_CLASSPATH"));
  add(spark_home + "/jars/*");
  add(value_of(environment, "SPARK_DIST_CLASSPATH"));
  return path;
}

std::vector<std::string> executor_command(const Environment& environment,
                                          const CommandContext& context) {
  std::vector<std::string> command = {
      context.java_home.empty() ? "java" : context.java_home + "/bin/java",
      "-Djava.io.tmpdir=" + context.temporary_folder};
  for (std::string& option : java_options(environment))
    command.push_back(std::move(option));
  const std::string memory = value_of(environment, "SPARK_EXECUTOR_MEMORY");
  command.insert(
      command.end(),
      {"-Xms" + memory, "-Xmx" + memory, "-cp", class_path(environment, context.spark_home),
       "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"});
  const std::pair<const char*, const char*> flags[] = {
      {"--driver-url", "SPARK_DRIVER_URL"},    {"--executor-id", "SPARK_EXECUTOR_ID"},
      {"--cores", "SPARK_EXECUTOR_CORES"},     {"--app-id", "SPARK_APPLICATION_ID"},
      {"--hostname", "SPARK_EXECUTOR_POD_IP"}, {"--resourceProfileId", "SPARK_RESOURCE_PROFILE_ID"},
      {"--podName", "SPARK_EXECUTOR_POD_NAME"}};
  for (const auto& [flag, variable] : flags)
    command.insert(command.end(), {flag, value_of(environment, variable)});
  return command;
}

std::vector<std::string> driver_command(const std::vector<std::string>& arguments,
                                        const base::Properties& properties,
                                        const CommandContext& context) {
  std::vector<std::string> command = {context.spark_home + "/bin/spark-submit"};
  const auto conf = [&command](const std::string& key, const std::string& value) {
    command.insert(command.end(), {"--conf", key + "=" + value});
  };
  conf("spark.driver.bindAddress", context.pod_ip);
  conf("spark.executorEnv.SPARK_DRIVER_POD_IP", context.pod_ip);
  command.insert(command.end(), {"--deploy-mode", "client"});
  // There is no DNS: the address takes the place of the service's name.
  conf("spark.driver.host", context.pod_ip);
  if (!is_driver_only(properties)) {
    conf("spark.kubernetes.driver.master", context.api_url);
    const std::string mounted = "spark.kubernetes.authenticate.driver.mounted.";
    if (!context.token_file.empty()) conf(mounted + "oauthTokenFile", context.token_file);
    if (!context.ca_file.empty()) conf(mounted + "caCertFile", context.ca_file);
  }
  command.insert(command.end(), arguments.begin() + 1, arguments.end());
  return command;
}

}  // namespace

ContainerKind kind_of(const Json& container) {
  const Json* command = base::find(container, {"command"});
  if (command != nullptr && command->is_array() && !command->empty()) return ContainerKind::Plain;
  const std::vector<std::string> arguments = strings_at(container, "args");
  if (!arguments.empty() && arguments[0] == "driver") return ContainerKind::SparkDriver;
  if (!arguments.empty() && arguments[0] == "executor") return ContainerKind::SparkExecutor;
  return ContainerKind::Plain;
}

bool is_driver_only(const base::Properties& properties) {
  const auto master = properties.find("spark.kubernetes.driver.master");
  return master != properties.end() && master->second.starts_with("local");
}

std::string properties_file(const Json& container) {
  const std::vector<std::string> arguments = strings_at(container, "args");
  for (size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--properties-file") return arguments[i + 1];
  return {};
}

std::vector<std::string> build_command(const Json& container, const Environment& environment,
                                       const PathMap& paths, const base::Properties& properties,
                                       const CommandContext& context) {
  const auto prepare = [&](std::vector<std::string> words) {
    for (std::string& word : words)
      word = paths.rewrite(expand(word, environment));
    return words;
  };
  const std::vector<std::string> arguments = prepare(strings_at(container, "args"));
  switch (kind_of(container)) {
    case ContainerKind::SparkDriver:
      return driver_command(arguments, properties, context);
    case ContainerKind::SparkExecutor:
      return executor_command(environment, context);
    case ContainerKind::Plain:
      break;
  }
  std::vector<std::string> command = prepare(strings_at(container, "command"));
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace runner::node
