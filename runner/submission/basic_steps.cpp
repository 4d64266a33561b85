#include <algorithm>

#include "runner/submission/driver_steps.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

// A port of the driver as container and Service have it, and how Spark reads its key.
using ReadPort = base::Result<int64_t> (*)(const Conf&, std::string_view, int64_t);
struct Port {
  const char* name;
  const char* key;
  int64_t fallback;
  ReadPort read;
};
constexpr Port kRpcPort = {"driver-rpc-port", "spark.driver.port", 7078, plain_integer_or};
constexpr Port kBlockManagerPort = {"blockmanager", "spark.driver.blockManager.port", 7079,
                                    plain_integer_or};
constexpr Port kUiPort = {"spark-ui", "spark.ui.port", 4040, integer_or};
constexpr Port kConnectPort = {"spark-connect", "spark.connect.grpc.binding.port", 15002,
                               plain_integer_or};

std::vector<Port> driver_ports(const SparkVersion& version) {
  std::vector<Port> ports = {kRpcPort, kBlockManagerPort, kUiPort};
  if (version.has(Rule::ConnectPort)) ports.push_back(kConnectPort);
  return ports;
}

// One of the words that Spark's entry allows.
base::Result<std::string> one_of(const Conf& conf, std::string_view key,
                                 const std::vector<std::string>& words, std::string_view fallback) {
  std::string value = first_of(conf, {key}, fallback);
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  return failure(Code::InvalidArgument, "The value of " + std::string(key) + " should be one of " +
                                            join(words, ", ") + ", but was " + value);
}

base::Status add_image(const DriverInputs& facts, DriverDraft& draft) {
  const std::string image = first_of(
      facts.conf, {"spark.kubernetes.driver.container.image", "spark.kubernetes.container.image"});
  if (image.empty()) {
    return failure(Code::InvalidArgument, "Must specify the driver container image");
  }
  ASSIGN_OR_RETURN(const std::string policy,
                   one_of(facts.conf, "spark.kubernetes.container.image.pullPolicy",
                          {"Always", "Never", "IfNotPresent"}, "IfNotPresent"));
  draft.container["image"] = facts.version.has(Rule::ImagePlaceholder)
                                 ? replace_all(image, "{{SPARK_VERSION}}", facts.version.text)
                                 : image;
  draft.container["imagePullPolicy"] = policy;
  if (!draft.container.contains("name")) draft.container["name"] = "spark-kubernetes-driver";
  return {};
}

base::Status add_ports(const DriverInputs& facts, DriverDraft& draft) {
  constexpr std::string_view kOfBoth = "spark.blockManager.port";
  for (const Port& port : driver_ports(facts.version)) {
    int64_t fallback = port.fallback;
    if (port.key == kBlockManagerPort.key) {
      ASSIGN_OR_RETURN(fallback, plain_integer_or(facts.conf, kOfBoth, fallback));
    }
    ASSIGN_OR_RETURN(const int64_t number, port.read(facts.conf, port.key, fallback));
    draft.container["ports"].push_back(
        {{"name", port.name}, {"containerPort", number}, {"protocol", "TCP"}});
  }
  return {};
}

void add_environment(const DriverInputs& facts, DriverDraft& draft) {
  const auto& environment = facts.request.environment;
  const auto user = environment.find("SPARK_USER");
  const std::string& os_user =
      facts.request.proxy_user.empty() ? facts.request.os_user : facts.request.proxy_user;
  add_env(draft, "SPARK_USER", user == environment.end() ? os_user : user->second);
  add_env(draft, "SPARK_APPLICATION_ID", facts.ids.app_id);
  for (const auto& [name, value] : with_prefix(facts.conf, "spark.kubernetes.driverEnv.")) {
    add_env(draft, name, value);
  }
  draft.container["env"].push_back(
      {{"name", "SPARK_DRIVER_BIND_ADDRESS"},
       {"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "status.podIP"}}}}}});
}

base::Status add_devices(const DriverInputs& facts, json& limits) {
  for (const auto& [rest, amount] : with_prefix(facts.conf, "spark.driver.resource.")) {
    if (!rest.ends_with(".amount")) continue;
    const std::string name = rest.substr(0, rest.size() - std::string_view(".amount").size());
    const std::string* vendor = find(facts.conf, "spark.driver.resource." + name + ".vendor");
    if (vendor == nullptr) {
      return failure(Code::InvalidArgument,
                     "Resource: " + name + " was requested, but vendor was not specified.");
    }
    limits[*vendor + "/" + name] = amount;
  }
  return {};
}

base::Result<double> add_resources(const DriverInputs& facts, DriverDraft& draft) {
  const Conf& conf = facts.conf;
  ASSIGN_OR_RETURN(const DriverMemory memory, driver_memory(conf, facts.language, facts.version));
  const std::string quantity = std::to_string(memory.pod_mebibytes) + "Mi";
  json& resources = draft.container["resources"];
  resources["requests"]["cpu"] =
      first_of(conf, {"spark.kubernetes.driver.request.cores", "spark.driver.cores"}, "1");
  resources["requests"]["memory"] = quantity;
  resources["limits"]["memory"] = quantity;
  if (const std::string* limit = find(conf, "spark.kubernetes.driver.limit.cores")) {
    resources["limits"]["cpu"] = *limit;
  }
  RETURN_IF_ERROR(add_devices(facts, resources["limits"]));
  return memory.default_factor;
}

void add_pod_fields(const DriverInputs& facts, DriverDraft& draft) {
  const Conf& conf = facts.conf;
  json& meta = draft.pod["metadata"];
  meta["name"] = facts.pod_name;
  meta["namespace"] = facts.ns;
  for (const auto& [key, value] : facts.labels)
    meta["labels"][key] = value;
  for (const auto& [key, value] : with_prefix(conf, "spark.kubernetes.driver.annotation.")) {
    meta["annotations"][key] =
        facts.version.has(Rule::AnnotationPlaceholders) ? with_ids(value, facts.ids) : value;
  }
  json& spec = draft.pod["spec"];
  spec["restartPolicy"] = "Never";
  const auto select = [&](const char* prefix) {
    for (const auto& [key, value] : with_prefix(conf, prefix))
      spec["nodeSelector"][key] = value;
  };
  select("spark.kubernetes.node.selector.");
  if (facts.version.has(Rule::DriverNodeSelector)) select("spark.kubernetes.driver.node.selector.");
  for (const std::string& secret :
       split_list(first_of(conf, {"spark.kubernetes.container.image.pullSecrets"}))) {
    spec["imagePullSecrets"].push_back({{"name", secret}});
  }
  const std::string scheduler =
      first_of(conf, {"spark.kubernetes.driver.scheduler.name", "spark.kubernetes.scheduler.name"});
  if (!scheduler.empty() && facts.version.has(Rule::SchedulerNames))
    spec["schedulerName"] = scheduler;
}

}  // namespace

base::Status add_basics(const DriverInputs& facts, DriverDraft& draft) {
  RETURN_IF_ERROR(add_image(facts, draft));
  RETURN_IF_ERROR(add_ports(facts, draft));
  add_environment(facts, draft);
  ASSIGN_OR_RETURN(const double factor, add_resources(facts, draft));
  add_pod_fields(facts, draft);

  draft.properties["spark.kubernetes.driver.pod.name"] = facts.pod_name;
  draft.properties["spark.app.id"] = facts.ids.app_id;
  draft.properties["spark.kubernetes.submitInDriver"] = "true";
  // The old key's value, even where the new one decides on the driver: executors read it.
  draft.properties["spark.kubernetes.memoryOverheadFactor"] = java_double(factor);
  return {};
}

base::Status add_ip_families(const Conf& conf, json& spec) {
  ASSIGN_OR_RETURN(spec["ipFamilyPolicy"],
                   one_of(conf, "spark.kubernetes.driver.service.ipFamilyPolicy",
                          {"SingleStack", "PreferDualStack", "RequireDualStack"}, "SingleStack"));
  ASSIGN_OR_RETURN(const std::string families,
                   one_of(conf, "spark.kubernetes.driver.service.ipFamilies",
                          {"IPv4", "IPv6", "IPv4,IPv6", "IPv6,IPv4"}, "IPv4"));
  spec["ipFamilies"] = split_list(families);
  return {};
}

base::Status add_service(const DriverInputs& facts, DriverDraft& draft) {
  const Conf& conf = facts.conf;
  if (has(conf, "spark.driver.bindAddress")) {
    return failure(Code::InvalidArgument,
                   "spark.driver.bindAddress is not supported in Kubernetes mode, as the driver's "
                   "bind address is managed and set to the driver pod's IP address.");
  }
  json ports = json::array();
  // Unlike the container's ports, without falling back to spark.blockManager.port.
  for (const Port& port : driver_ports(facts.version)) {
    ASSIGN_OR_RETURN(const int64_t number, port.read(conf, port.key, port.fallback));
    ports.push_back({{"name", port.name}, {"port", number}, {"targetPort", number}});
  }
  if (facts.version.has(Rule::ConnectSpeaksGrpc)) ports.back()["appProtocol"] = "grpc";

  const std::string name = service_name(facts.name_prefix, facts.ids.unique_id);
  json meta = metadata(facts, name);
  if (facts.version.has(Rule::AppSelectorLabels))
    meta["labels"]["spark-app-selector"] = facts.ids.app_id;
  if (facts.version.has(Rule::ServiceLabels)) {
    for (const auto& [key, value] : with_prefix(conf, "spark.kubernetes.driver.service.label."))
      meta["labels"][key] = value;
  }
  for (const auto& [key, value] :
       with_prefix(conf, "spark.kubernetes.driver.service.annotation.")) {
    meta["annotations"][key] = value;
  }
  json spec = {{"clusterIP", "None"}, {"selector", facts.labels}, {"ports", std::move(ports)}};
  if (facts.version.has(Rule::IpFamilies)) RETURN_IF_ERROR(add_ip_families(conf, spec));
  draft.objects.push_back({{"apiVersion", "v1"},
                           {"kind", "Service"},
                           {"metadata", std::move(meta)},
                           {"spec", std::move(spec)}});
  draft.properties["spark.driver.host"] = name + "." + facts.ns + ".svc";
  draft.properties["spark.driver.port"] = first_of(conf, {"spark.driver.port"}, "7078");
  draft.properties["spark.driver.blockManager.port"] =
      first_of(conf, {"spark.driver.blockManager.port"}, "7079");
  return {};
}

base::Status add_command(const DriverInputs& facts, DriverDraft& draft) {
  json& args = draft.container["args"];
  args.push_back("driver");
  if (!facts.request.proxy_user.empty() && facts.version.has(Rule::ProxyUserArgument)) {
    args.push_back("--proxy-user");
    args.push_back(facts.request.proxy_user);
  }
  args.push_back("--properties-file");
  args.push_back("/opt/spark/conf/spark.properties");
  args.push_back("--class");
  args.push_back(facts.main_class);
  args.push_back(facts.request.main_resource);
  for (const std::string& argument : facts.request.arguments)
    args.push_back(argument);

  const auto& environment = facts.request.environment;
  const auto submitters = [&environment](const char* name) {
    const auto at = environment.find(name);
    return at == environment.end() ? std::string() : at->second;
  };
  switch (facts.language) {
    case Language::Jvm:
      draft.properties["spark.kubernetes.resource.type"] = "java";
      break;
    case Language::R:
      draft.properties["spark.kubernetes.resource.type"] = "r";
      break;
    case Language::Python: {
      draft.properties["spark.kubernetes.resource.type"] = "python";
      if (!facts.version.has(Rule::PythonByInterpreter)) {
        add_env(draft, "PYSPARK_MAJOR_PYTHON_VERSION",
                first_of(facts.conf, {"spark.kubernetes.pyspark.pythonVersion"}, "3"));
        break;
      }
      const std::string python =
          first_of(facts.conf, {"spark.pyspark.python"}, submitters("PYSPARK_PYTHON"));
      std::string driver_python =
          first_of(facts.conf, {"spark.pyspark.driver.python", "spark.pyspark.python"},
                   submitters("PYSPARK_DRIVER_PYTHON"));
      if (driver_python.empty()) driver_python = submitters("PYSPARK_PYTHON");
      if (!python.empty()) add_env(draft, "PYSPARK_PYTHON", python);
      if (!driver_python.empty()) add_env(draft, "PYSPARK_DRIVER_PYTHON", driver_python);
      break;
    }
  }
  return {};
}

}  // namespace runner::submission
