#pragma once

// Node: runs pods as processes of this machine, as an ordinary user: no root, no namespaces, no
// containers. It registers itself, places waiting pods on itself, runs what is bound to it and
// reports what becomes of it; see README.md.
//
// Whatever dies, no pod is started twice and no exit status is lost: one supervisor process per pod
// outlives the service and writes down what happens; a node that starts on the same folder goes on
// from there.
// Nobody has to tell it anything: every pod is looked at after a start and at an interval, and what
// goes wrong with one pod is that pod's alone.
// Errors of start(): Conflict when another node uses the folder, Forbidden when it is somebody
// else's; an API that does not answer is waited for. Threads: any.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "runner/node/placement.h"
#include "runner/node/pod_logs.h"

namespace runner::node {

// Where containers look for programs, after the folders of Spark's own Python and of java_home: the
// same wherever the service was started from.
inline constexpr std::string_view kSearchPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum class OnExit {
  Leave,  // pods go on and are picked up at the next start
  Stop,
};

struct NodeOptions {
  std::string name;  // of the Node object; lower case
  // Only pods whose spec.schedulerName is this, bound to this node or not; "" = all of the API's.
  std::string scheduler_name;
  std::filesystem::path data_dir;  // holds pods/, claims/, node.lock
  std::string spark_home;
  std::string java_home;  // "" = java from kSearchPath
  std::string api_url;    // what drivers talk to
  // What they say there: asked for each pod, and again while it runs, since tokens expire and are
  // renewed. Empty, or "": none.
  std::function<std::string(const nlohmann::json& pod)> token;
  std::string ca_file;  // of an https api_url; "" = none
  Capacity capacity = default_capacity();
  OnExit on_exit = OnExit::Leave;
  // The program that runs supervise_main, with the arguments before the pod's folder.
  std::vector<std::string> supervisor;
  uint64_t log_limit = uint64_t{16} << 20;  // per container and file; a log is at most two files
  std::chrono::seconds heartbeat{300};
  // How often every pod is looked at though nobody rang.
  std::chrono::milliseconds look_again{15'000};
  // Called before a pod's folder is removed, once per container: the last chance to keep its log.
  // `pod` is the object as it was when the node took it over.
  std::function<void(const nlohmann::json& pod, const std::string& container,
                     const ContainerLog& log)>
      on_log_removal;
};

class Node {
 public:
  static base::Result<std::unique_ptr<Node>> start(NodeOptions options, kube::Api& api,
                                                   base::Clock& clock, kube::EventRecorder& events);
  // stop() if that was not called.
  virtual ~Node() = default;
  // Returns when everything of the service has ended; with OnExit::Stop after the pods have, too.
  virtual void stop() = 0;
  [[nodiscard]] virtual const PodLogs& logs() const = 0;
};

}  // namespace runner::node
