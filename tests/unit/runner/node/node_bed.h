#pragma once

// NodeBed: a node over an API in memory and a folder of its own, which can be stopped and started
// again; and the pods that tests run on it.
//
// Threads: one.

#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "runner/node/node.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"

namespace tests {

class NodeBed {
 public:
  NodeBed();
  ~NodeBed();

  void start();
  void stop(runner::node::OnExit on_exit = runner::node::OnExit::Leave);
  // A folder with bin/spark-submit that is this shell script.
  void use_fake_spark(const std::string& script);

  nlohmann::json create(const nlohmann::json& pod);
  bool await_phase(const std::string& name, const std::string& phase);
  bool await_gone(const std::string& name);
  nlohmann::json pod(const std::string& name);
  // Of the first container.
  nlohmann::json terminated(const std::string& name);
  std::string log(const std::string& name, const std::string& container = "");

  Folder folder;
  base::Clock& clock = base::real_clock();
  MemoryApi api{clock};
  MemoryEvents events;
  runner::node::NodeOptions options;
  std::unique_ptr<runner::node::Node> node;
};

// One container that runs a shell script.
nlohmann::json shell_pod(const std::string& name, const std::string& script);
// A driver pod as spark-submit makes them, and its ConfigMap.
nlohmann::json driver_pod(const std::string& name, const std::vector<std::string>& arguments);
nlohmann::json driver_config_map(const std::string& name, const std::string& properties);

}  // namespace tests
