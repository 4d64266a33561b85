#include "runner/node/node_object.h"

#include <thread>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/quantity.h"
#include "runner/node/processes.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

std::string architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string name = machine.machine;
  if (name == "x86_64") return "amd64";
  return name == "aarch64" ? "arm64" : name;
}

std::string kernel() {
  utsname machine{};
  ::uname(&machine);
  return machine.release;
}

}  // namespace

Json node_labels(const std::string& name) {
  return {{"kubernetes.io/hostname", name},
          {"kubernetes.io/os", "linux"},
          {"kubernetes.io/arch", architecture()}};
}

Json make_node_status(const std::string& name, const Capacity& capacity, base::WallTime now) {
  const std::string time = base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
  // Cores are the machine's when they bound nothing: people want to see them.
  const std::string cpu = capacity.milli_cpu
                              ? std::to_string(*capacity.milli_cpu) + "m"
                              : std::to_string(std::max(1u, std::thread::hardware_concurrency()));
  const Json resources = {{"cpu", cpu},
                          {"memory", config::format_bytes(capacity.memory_bytes)},
                          {"pods", std::to_string(capacity.pods)}};
  return {{"capacity", resources},
          {"allocatable", resources},
          {"addresses", Json::array({{{"type", "InternalIP"}, {"address", "127.0.0.1"}},
                                     {{"type", "Hostname"}, {"address", name}}})},
          {"conditions", Json::array({{{"type", "Ready"},
                                       {"status", "True"},
                                       {"reason", "NodeReady"},
                                       {"message", "the process node runs pods"},
                                       {"lastHeartbeatTime", time},
                                       {"lastTransitionTime", time}}})},
          {"nodeInfo",
           {{"architecture", architecture()},
            {"operatingSystem", "linux"},
            {"osImage", "process node"},
            {"kernelVersion", kernel()},
            {"bootID", boot_id()},
            {"machineID", ""},
            {"systemUUID", ""},
            {"containerRuntimeVersion", "process://1"},
            {"kubeletVersion", "sparkcron"},
            {"kubeProxyVersion", ""}}}};
}

base::Status register_node(kube::Api& api, const std::string& name, const Capacity& capacity,
                           OtherSchedulers others, base::WallTime now) {
  const kube::ObjectKey key{"", name};
  Json spec = Json::object();
  if (others == OtherSchedulers::KeptAway)
    spec["taints"] = Json::array({{{"key", "sparkoperator.k8s.io/process-node"},
                                   {"value", "true"},
                                   {"effect", "NoSchedule"}}});
  const Json object = {{"apiVersion", "v1"},
                       {"kind", "Node"},
                       {"metadata", {{"name", name}, {"labels", node_labels(name)}}},
                       {"spec", std::move(spec)},
                       {"status", make_node_status(name, capacity, now)}};
  const auto known = api.get(kube::nodes(), key);
  if (known) {
    const std::string runtime =
        base::string_at(*known, {"status", "nodeInfo", "containerRuntimeVersion"});
    if (!runtime.empty() && !runtime.starts_with("process://"))
      return base::failure(base::Code::Conflict,
                           "node " + name + " is a kubelet's (" + runtime + "), not ours");
  }
  const auto created = api.create(kube::nodes(), object);
  if (!created && created.error().code != base::Code::AlreadyExists)
    return base::failure(created.error());
  // The status of an object is not taken from its creation; and it may be there from last time.
  const auto patched = api.patch(kube::nodes(), key, kube::PatchType::MergePatch,
                                 {{"status", object["status"]}}, {.subresource = "status"});
  if (!patched) return base::failure(patched.error());
  return {};
}

base::Status send_heartbeat(kube::Api& api, const std::string& name, const Capacity& capacity,
                            OtherSchedulers others, base::WallTime now) {
  const auto node = api.get(kube::nodes(), {"", name});
  // Somebody deleted it: it is needed.
  if (!node && node.error().code == base::Code::NotFound)
    return register_node(api, name, capacity, others, now);
  RETURN_IF_ERROR(node);
  Json conditions = make_node_status(name, capacity, now)["conditions"];
  const Json* known = base::find(*node, {"status", "conditions"});
  if (known != nullptr && known->is_array())
    for (const Json& condition : *known)
      if (base::string_at(condition, {"type"}) == "Ready" &&
          base::string_at(condition, {"status"}) == "True")
        conditions[0]["lastTransitionTime"] = condition.value("lastTransitionTime", Json());
  const auto patched =
      api.patch(kube::nodes(), {"", name}, kube::PatchType::MergePatch,
                {{"status", {{"conditions", std::move(conditions)}}}}, {.subresource = "status"});
  if (!patched) return base::failure(patched.error());
  return {};
}

}  // namespace runner::node
