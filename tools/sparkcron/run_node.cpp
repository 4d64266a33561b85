#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "kube/api_event_recorder.h"
#include "runner/node/driver_tokens.h"
#include "runner/node/node.h"
#include "tools/sparkcron/cluster.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/node_capacity.h"
#include "tools/sparkcron/node_events.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {
namespace {

using base::failure;

// What drivers check the API server with: --ca-file, else what the kubeconfig says, as a file.
base::Result<std::string> ca_file_of(const Options& options, const Cluster& cluster,
                                     const DataDir& data) {
  if (!options.ca_file.empty()) {
    RETURN_IF_ERROR(base::read_file(options.ca_file));
    std::error_code problem;
    const std::filesystem::path file = std::filesystem::absolute(options.ca_file, problem);
    if (problem)
      return failure(base::Code::InvalidArgument,
                     "--ca-file " + options.ca_file + ": " + problem.message());
    return file.string();
  }
  if (cluster.ca_pem.empty()) return std::string();
  const std::filesystem::path file = data.file("api-ca.crt");
  RETURN_IF_ERROR(base::write_durably(file, cluster.ca_pem, 0600));
  return file.string();
}

}  // namespace

base::Status run_node(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  ASSIGN_OR_RETURN(const std::string spark_home, find_spark_home(options.spark_home));
  ASSIGN_OR_RETURN(const std::string java_home,
                   find_java_home(options.java_home, runner::node::kSearchPath));
  Cluster cluster;
  RETURN_IF_ERROR(connect(options, cluster));
  base::Clock& clock = base::real_clock();
  kube::ApiEventRecorder events(*cluster.api, clock,
                                {.controller = "sparkcron-node", .instance = node_name()});
  runner::node::NodeOptions node_options;
  // Not the host's own name: on a machine of the cluster that is its kubelet's.
  node_options.name = "sparkcron-" + node_name();
  node_options.scheduler_name = options.scheduler_name;
  node_options.capacity = node_capacity(options.capacity);
  node_options.data_dir = data.path();
  node_options.spark_home = spark_home;
  node_options.java_home = java_home;
  node_options.api_url = cluster.url;
  runner::node::DriverTokens tokens(
      [&cluster](const std::string& ns, const std::string& service_account) {
        return runner::node::request_token(*cluster.api, ns, service_account);
      },
      cluster.token, clock);
  node_options.token = [&tokens](const nlohmann::json& pod) { return tokens.token_for(pod); };
  ASSIGN_OR_RETURN(node_options.ca_file, ca_file_of(options, cluster, data));
  node_options.on_exit =
      options.on_exit == OnExit::Stop ? runner::node::OnExit::Stop : runner::node::OnExit::Leave;
  node_options.supervisor = {own_path(), "supervise"};
  const std::string node_object = node_options.name;
  ASSIGN_OR_RETURN(const auto node,
                   runner::node::Node::start(std::move(node_options), *cluster.api, clock, events));
  report_java(check_java(java_home, runner::node::kSearchPath), events, node_object);
  std::cout << version_text() << " node runs the pods of " << cluster.url << " with schedulerName "
            << options.scheduler_name << "\n"
            << std::flush;
  wait_for_stop_signal();
  node->stop();
  cluster.requests.request_stop();
  return {};
}

}  // namespace sparkcron
