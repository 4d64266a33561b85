#include "tests/unit/runner/node/node_bed.h"

#include <cstdlib>
#include <fstream>

#include "base/json.h"
#include "runner/node/log_file.h"

namespace tests {

using kube::Json;
namespace fs = std::filesystem;

NodeBed::NodeBed() {
  options.name = "local";
  options.data_dir = folder.path() / "data";
  options.spark_home = (folder.path() / "spark").string();
  options.api_url = "http://127.0.0.1:1";
  options.token = [](const Json&) { return std::string("secret-token"); };
  const char* given = std::getenv("NODE_TEST_SUPERVISOR");
  options.supervisor = {given != nullptr ? given : SUPERVISOR_PROGRAM};
}

NodeBed::~NodeBed() {
  stop(runner::node::OnExit::Stop);
}

void NodeBed::start() {
  auto started = runner::node::Node::start(options, api, clock, events);
  if (!started) throw std::runtime_error(started.error().message);
  node = std::move(*started);
}

void NodeBed::stop(runner::node::OnExit on_exit) {
  if (node == nullptr) return;
  if (on_exit != options.on_exit) {
    // The choice is made at start: a fresh node takes over and stops the other way.
    node.reset();
    options.on_exit = on_exit;
    start();
  }
  node.reset();
  options.on_exit = runner::node::OnExit::Leave;
}

void NodeBed::use_fake_spark(const std::string& script) {
  const fs::path program = fs::path(options.spark_home) / "bin" / "spark-submit";
  fs::create_directories(program.parent_path());
  std::ofstream(program) << "#!/bin/sh\n" << script;
  fs::permissions(program, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
}

Json NodeBed::create(const Json& pod) {
  return api.create(kube::pods(), pod).value();
}

bool NodeBed::await_phase(const std::string& name, const std::string& phase) {
  return api.await(kube::pods(), {"default", name}, [&](const Json* pod) {
    return pod != nullptr && base::string_at(*pod, {"status", "phase"}) == phase;
  });
}

bool NodeBed::await_gone(const std::string& name) {
  return api.await(kube::pods(), {"default", name}, [](const Json* pod) { return pod == nullptr; });
}

Json NodeBed::pod(const std::string& name) {
  return api.peek(kube::pods(), {"default", name});
}

Json NodeBed::terminated(const std::string& name) {
  const Json found = pod(name);
  const Json* statuses = base::find(found, {"status", "containerStatuses"});
  if (statuses == nullptr || statuses->empty()) return {};
  const Json* state = base::find((*statuses)[0], {"state", "terminated"});
  return state == nullptr ? Json() : *state;
}

std::string NodeBed::log(const std::string& name, const std::string& container) {
  const auto found = node->logs().find("default", name, container);
  if (!found) return found.error().message;
  std::string text;
  for (const fs::path& file : found->files)
    text += runner::node::read_log_tail(file, size_t{1} << 30);
  return text;
}

Json shell_pod(const std::string& name, const std::string& script) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec",
           {{"restartPolicy", "Never"},
            {"containers", Json::array({{{"name", "main"},
                                         {"image", "busybox"},
                                         {"command", {"/bin/sh", "-c", script}}}})}}}};
}

Json driver_pod(const std::string& name, const std::vector<std::string>& arguments) {
  Json args = {"driver", "--properties-file", "/opt/spark/conf/spark.properties"};
  for (const std::string& argument : arguments)
    args.push_back(argument);
  Json field = {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "status.podIP"}}}};
  return {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata",
       {{"name", name}, {"namespace", "default"}, {"labels", {{"spark-role", "driver"}}}}},
      {"spec",
       {{"restartPolicy", "Never"},
        {"serviceAccountName", "spark"},
        {"containers",
         Json::array(
             {{{"name", "spark-kubernetes-driver"},
               {"image", "apache/spark:4.0.1"},
               {"imagePullPolicy", "IfNotPresent"},
               {"args", std::move(args)},
               {"terminationMessagePolicy", "FallbackToLogsOnError"},
               {"ports", Json::array({{{"name", "spark-ui"}, {"containerPort", 4040}}})},
               {"env", Json::array({{{"name", "SPARK_USER"}, {"value", "root"}},
                                    {{"name", "SPARK_DRIVER_BIND_ADDRESS"}, {"valueFrom", field}},
                                    {{"name", "SPARK_LOCAL_DIRS"}, {"value", "/var/data/spark-1"}},
                                    {{"name", "SPARK_CONF_DIR"}, {"value", "/opt/spark/conf"}}})},
               {"resources",
                {{"requests", {{"cpu", "1"}, {"memory", "1408Mi"}}},
                 {"limits", {{"memory", "1408Mi"}}}}},
               {"volumeMounts",
                Json::array({{{"name", "spark-local-dir-1"}, {"mountPath", "/var/data/spark-1"}},
                             {{"name", "spark-conf-volume-driver"},
                              {"mountPath", "/opt/spark/conf"}}})}}})},
        {"volumes", Json::array({{{"name", "spark-local-dir-1"}, {"emptyDir", Json::object()}},
                                 {{"name", "spark-conf-volume-driver"},
                                  {"configMap",
                                   {{"name", name + "-conf-map"},
                                    {"items", Json::array({{{"key", "spark.properties"},
                                                            {"path", "spark.properties"},
                                                            {"mode", 420}}})}}}}})}}}};
}

Json driver_config_map(const std::string& name, const std::string& properties) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name + "-conf-map"}, {"namespace", "default"}}},
          {"data", {{"spark.properties", properties}, {"spark.kubernetes.namespace", "default"}}}};
}

}  // namespace tests
