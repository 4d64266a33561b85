#include "runner/submission/monitoring.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "runner/submission/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

constexpr const char* kFolder = "/etc/metrics/conf";

constexpr const char* kMetricsProperties =
    "*.sink.jmx.class=org.apache.spark.metrics.sink.JmxSink\n"
    "driver.source.jvm.class=org.apache.spark.metrics.source.JvmSource\n"
    "executor.source.jvm.class=org.apache.spark.metrics.source.JvmSource\n";

// Spark's beans are called metrics:name=<namespace>.<driver or executor id>.<source>.<metric>.
constexpr const char* kExporterRules =
    "lowercaseOutputName: true\n"
    "rules:\n"
    "- pattern: 'metrics<name=(.+)\\.driver\\.(.+), type=\\w+><>(Value|Count)'\n"
    "  name: spark_driver_$2\n"
    "  labels: {application: $1}\n"
    "- pattern: 'metrics<name=(.+)\\.(\\d+)\\.(.+), type=\\w+><>(Value|Count)'\n"
    "  name: spark_executor_$3\n"
    "  labels: {application: $1, executor_id: $2}\n"
    "- pattern: 'java.lang<(.+)><>(\\w+)'\n";

struct Exporter {
  std::string jar;
  int64_t port = 8090;
  std::string port_name = "jmx-exporter";
  std::string config_file;
  std::string configuration;
};

Exporter read_exporter(Fields& monitoring) {
  Fields fields = monitoring.child("prometheus");
  Exporter exporter;
  exporter.jar = fields.text("jmxExporterJar");
  exporter.port = fields.integer("port").value_or(exporter.port);
  if (const std::string name = fields.text("portName"); !name.empty()) exporter.port_name = name;
  exporter.config_file = fields.text("configFile");
  exporter.configuration = fields.text("configuration");
  if (exporter.jar.empty() && monitoring.has("prometheus")) {
    fields.complain("jmxExporterJar", "is required");
  }
  fields.refuse_rest();
  monitoring.adopt(fields);
  return exporter;
}

// The role's words in configuration keys.
struct RoleWords {
  const char* java_options;
  const char* annotation_prefix;
};
constexpr RoleWords kDriver = {"spark.driver.extraJavaOptions",
                               "spark.kubernetes.driver.annotation."};
constexpr RoleWords kExecutor = {"spark.executor.extraJavaOptions",
                                 "spark.kubernetes.executor.annotation."};

void expose(const Exporter& exporter, const RoleWords& words, PodParts& parts, Conf& conf) {
  const std::string port = std::to_string(exporter.port);
  const std::string file = exporter.config_file.empty() ? std::string(kFolder) + "/prometheus.yaml"
                                                        : exporter.config_file;
  std::string& options = conf[words.java_options];
  if (!options.empty()) options += ' ';
  options += "-javaagent:" + exporter.jar + "=" + port + ":" + file;
  const std::string prefix = words.annotation_prefix;
  conf[prefix + "prometheus.io/scrape"] = "true";
  conf[prefix + "prometheus.io/port"] = port;
  conf[prefix + "prometheus.io/path"] = "/metrics";
  parts.ports.push_back(
      {{"name", exporter.port_name}, {"containerPort", exporter.port}, {"protocol", "TCP"}});
}

json config_map(const json& application, const std::string& name, json data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", name},
            {"namespace", base::string_at(application, {"metadata", "namespace"})},
            {"labels",
             {{config::kAppNameLabel,
               config::label_value(base::string_at(application, {"metadata", "name"}))},
              {config::kCreatedByLabel, "true"}}}}},
          {"data", std::move(data)}};
}

}  // namespace

void add_monitoring(Fields& spec, const json& application, PodParts& driver, PodParts& executor,
                    Conf& conf, std::vector<json>& objects) {
  if (!spec.has("monitoring")) return;
  Fields monitoring = spec.child("monitoring");
  const bool expose_driver = monitoring.boolean("exposeDriverMetrics").value_or(false);
  const bool expose_executor = monitoring.boolean("exposeExecutorMetrics").value_or(false);
  const std::string properties = monitoring.text("metricsProperties");
  const std::string properties_file = monitoring.text("metricsPropertiesFile");
  const bool with_exporter = monitoring.has("prometheus");
  const Exporter exporter = read_exporter(monitoring);
  monitoring.refuse_rest();
  spec.adopt(monitoring);
  if (!with_exporter && properties.empty() && properties_file.empty()) return;

  const std::string app = base::string_at(application, {"metadata", "name"});
  const std::string ns = base::string_at(application, {"metadata", "namespace"});
  conf.try_emplace("spark.metrics.namespace", ns + "." + app);
  conf["spark.metrics.conf"] =
      properties_file.empty() ? std::string(kFolder) + "/metrics.properties" : properties_file;
  json data = json::object();
  if (properties_file.empty()) {
    data["metrics.properties"] = properties.empty() ? kMetricsProperties : properties;
  }
  if (with_exporter && exporter.config_file.empty()) {
    data["prometheus.yaml"] =
        exporter.configuration.empty() ? kExporterRules : exporter.configuration;
  }
  if (!data.empty()) {
    const std::string map = name_beside(app, "-prom-conf");
    const std::string volume = volume_name(map + "-vol");
    objects.push_back(config_map(application, map, std::move(data)));
    // Both roles read spark.metrics.conf, exposed or not.
    for (PodParts* parts : {&driver, &executor}) {
      parts->volumes.push_back({{"name", volume}, {"configMap", {{"name", map}}}});
      parts->mounts.push_back({{"name", volume}, {"mountPath", kFolder}});
    }
  }
  if (with_exporter && expose_driver) expose(exporter, kDriver, driver, conf);
  if (with_exporter && expose_executor) expose(exporter, kExecutor, executor, conf);
}

}  // namespace runner::submission
