#include <array>

#include "runner/submission/driver_steps.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

base::Result<json> container_port(const Conf& conf, const char* name,
                                  std::initializer_list<std::string_view> keys, int64_t fallback) {
  int64_t port = fallback;
  for (const std::string_view key : keys) {
    if (!has(conf, key)) continue;
    ASSIGN_OR_RETURN(port, integer_or(conf, key, fallback));
    break;
  }
  return json{{"name", name}, {"containerPort", port}, {"protocol", "TCP"}};
}

base::Status add_image(const DriverInputs& facts, DriverDraft& draft) {
  const std::string image = first_of(
      facts.conf, {"spark.kubernetes.driver.container.image", "spark.kubernetes.container.image"});
  if (image.empty()) {
    return failure(Code::InvalidArgument, "Must specify the driver container image");
  }
  constexpr std::string_view kPolicyKey = "spark.kubernetes.container.image.pullPolicy";
  const std::string policy = first_of(facts.conf, {kPolicyKey}, "IfNotPresent");
  if (policy != "Always" && policy != "Never" && policy != "IfNotPresent") {
    return failure(Code::InvalidArgument,
                   "The value of " + std::string(kPolicyKey) +
                       " should be one of Always, Never, IfNotPresent, but was " + policy);
  }
  draft.container["image"] = facts.version.at_least(4, 1)
                                 ? replace_all(image, "{{SPARK_VERSION}}", facts.version.text)
                                 : image;
  draft.container["imagePullPolicy"] = policy;
  if (!draft.container.contains("name")) draft.container["name"] = "spark-kubernetes-driver";
  return {};
}

base::Status add_ports(const DriverInputs& facts, DriverDraft& draft) {
  json& ports = draft.container["ports"];
  ASSIGN_OR_RETURN(json rpc,
                   container_port(facts.conf, "driver-rpc-port", {"spark.driver.port"}, 7078));
  ASSIGN_OR_RETURN(
      json block_manager,
      container_port(facts.conf, "blockmanager",
                     {"spark.driver.blockManager.port", "spark.blockManager.port"}, 7079));
  ASSIGN_OR_RETURN(json ui, container_port(facts.conf, "spark-ui", {"spark.ui.port"}, 4040));
  for (json* port : {&rpc, &block_manager, &ui})
    ports.push_back(std::move(*port));
  if (facts.version.at_least(4, 1)) {
    ASSIGN_OR_RETURN(json connect, container_port(facts.conf, "spark-connect",
                                                  {"spark.connect.grpc.binding.port"}, 15002));
    ports.push_back(std::move(connect));
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
        replace_all(replace_all(value, "{{APP_ID}}", facts.ids.app_id), "{{EXECUTOR_ID}}", "");
  }
  json& spec = draft.pod["spec"];
  spec["restartPolicy"] = "Never";
  for (const char* prefix :
       {"spark.kubernetes.node.selector.", "spark.kubernetes.driver.node.selector."}) {
    for (const auto& [key, value] : with_prefix(conf, prefix))
      spec["nodeSelector"][key] = value;
  }
  for (const std::string& secret :
       split_list(first_of(conf, {"spark.kubernetes.container.image.pullSecrets"}))) {
    spec["imagePullSecrets"].push_back({{"name", secret}});
  }
  const std::string scheduler =
      first_of(conf, {"spark.kubernetes.driver.scheduler.name", "spark.kubernetes.scheduler.name"});
  if (!scheduler.empty()) spec["schedulerName"] = scheduler;
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

base::Status add_service(const DriverInputs& facts, DriverDraft& draft) {
  const Conf& conf = facts.conf;
  if (has(conf, "spark.driver.bindAddress")) {
    return failure(Code::InvalidArgument,
                   "spark.driver.bindAddress is not supported in Kubernetes mode, as the driver's "
                   "bind address is managed and set to the driver pod's IP address.");
  }
  struct Port {
    const char* name;
    const char* key;
    int64_t fallback;
  };
  std::vector<Port> wanted = {{"driver-rpc-port", "spark.driver.port", 7078},
                              // Unlike the container's port, without falling back to
                              // spark.blockManager.port.
                              {"blockmanager", "spark.driver.blockManager.port", 7079},
                              {"spark-ui", "spark.ui.port", 4040}};
  if (facts.version.at_least(4, 1)) {
    wanted.push_back({"spark-connect", "spark.connect.grpc.binding.port", 15002});
  }
  json ports = json::array();
  for (const Port& port : wanted) {
    ASSIGN_OR_RETURN(const int64_t number, integer_or(conf, port.key, port.fallback));
    ports.push_back({{"name", port.name}, {"port", number}, {"targetPort", number}});
  }
  if (facts.version.at_least(4, 2)) ports.back()["appProtocol"] = "grpc";

  const std::string name = service_name(facts.name_prefix, facts.ids.unique_id);
  json meta = metadata(facts, name);
  meta["labels"]["spark-app-selector"] = facts.ids.app_id;
  for (const auto& [key, value] : with_prefix(conf, "spark.kubernetes.driver.service.label.")) {
    meta["labels"][key] = value;
  }
  for (const auto& [key, value] :
       with_prefix(conf, "spark.kubernetes.driver.service.annotation.")) {
    meta["annotations"][key] = value;
  }
  const std::string families =
      first_of(conf, {"spark.kubernetes.driver.service.ipFamilies"}, "IPv4");
  draft.objects.push_back(
      {{"apiVersion", "v1"},
       {"kind", "Service"},
       {"metadata", std::move(meta)},
       {"spec",
        {{"clusterIP", "None"},
         {"ipFamilyPolicy",
          first_of(conf, {"spark.kubernetes.driver.service.ipFamilyPolicy"}, "SingleStack")},
         {"ipFamilies", split_list(families)},
         {"selector", facts.labels},
         {"ports", std::move(ports)}}}});
  draft.properties["spark.driver.host"] = name + "." + facts.ns + ".svc";
  draft.properties["spark.driver.port"] = first_of(conf, {"spark.driver.port"}, "7078");
  draft.properties["spark.driver.blockManager.port"] =
      first_of(conf, {"spark.driver.blockManager.port"}, "7079");
  return {};
}

base::Status add_command(const DriverInputs& facts, DriverDraft& draft) {
  json& args = draft.container["args"];
  args.push_back("driver");
  if (!facts.request.proxy_user.empty()) {
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
