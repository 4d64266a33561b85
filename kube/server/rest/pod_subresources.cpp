// pods/binding, pods/eviction and pods/log.

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/log_streams.h"
#include "kube/server/rest/verbs.h"
#include "kube/server/types/definition.h"

namespace kube::server::rest {
namespace {

using machinery::refuse;
using nlohmann::json;

// No log is older; more seconds than this would not fit into milliseconds.
constexpr std::chrono::seconds kLongestSince = std::chrono::years{100};

// The names of a pod's containers, init containers first.
std::vector<std::string> containers_of(const json& pod) {
  std::vector<std::string> names;
  for (const char* list : {"initContainers", "containers"}) {
    const json* containers = base::find(pod, {"spec", list});
    if (!containers || !containers->is_array()) continue;
    for (const json& container : *containers)
      names.push_back(base::string_at(container, {"name"}));
  }
  return names;
}

Outcome<std::string> choose_container(const json& pod, const std::string& pod_name,
                                      const std::string& asked) {
  const auto names = containers_of(pod);
  if (!asked.empty()) {
    for (const std::string& name : names) {
      if (name == asked) return asked;
    }
    return refuse(
        machinery::bad_request("container " + asked + " is not valid for pod " + pod_name));
  }
  const json* main = base::find(pod, {"spec", "containers"});
  if (main && main->is_array() && main->size() == 1)
    return base::string_at(main->front(), {"name"});
  std::string choice;
  for (const std::string& name : names)
    choice += (choice.empty() ? "" : " ") + name;
  return refuse(machinery::bad_request("a container name must be specified for pod " + pod_name +
                                       ", choose one of: [" + choice + "]"));
}

Outcome<kube::LogOptions> log_options(const ApiRequest& call) {
  kube::LogOptions options{.container = call.parameter("container"),
                           .follow = call.flag("follow"),
                           .previous = call.flag("previous"),
                           .timestamps = call.flag("timestamps")};
  auto tail = number_parameter(call, "tailLines");
  if (!tail) return refuse(tail.error());
  options.tail_lines = *tail;
  auto limit = number_parameter(call, "limitBytes");
  if (!limit) return refuse(limit.error());
  options.limit_bytes = *limit;
  auto since = number_parameter(call, "sinceSeconds");
  if (!since) return refuse(since.error());
  if (*since == 0) {
    return refuse(machinery::bad_request("sinceSeconds: Invalid value: 0: must be greater than 0"));
  }
  if (*since) {
    options.since =
        call.services.clock.now() - std::min(std::chrono::seconds(**since), kLongestSince);
  }
  if (const std::string time = call.parameter("sinceTime"); !time.empty()) {
    const auto parsed = base::parse_rfc3339(time);
    if (!parsed) return refuse(machinery::bad_request("sinceTime: " + parsed.error().message));
    options.since = *parsed;
  }
  return options;
}

}  // namespace

void handle_log(ApiRequest& call) {
  auto options = log_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto object = call.services.objects.get(call.target());
  const kube::ObjectKey key{.ns = call.info.ns, .name = call.info.name};
  std::string uid;
  bool waiting = false;
  bool placed = true;
  if (object) {
    const json pod = (*object)->parse();
    auto container = choose_container(pod, call.info.name, options->container);
    if (!container) return answer(*call.responder, container.error());
    options->container = std::move(*container);
    uid = (*object)->indexed.uid;
    waiting = base::string_at(pod, {"status", "phase"}) == "Pending";
    placed = !base::string_at(pod, {"spec", "nodeName"}).empty();
  }
  // A pod that is gone may have left its log.
  auto reader = call.services.logs.open(key, uid, *options);
  if (reader)
    return call.services.logs.send(
        std::move(*reader), call.responder,
        {.lasts = options->follow ? LogStreams::Lasts::Follows : LogStreams::Lasts::Shortly});
  const bool not_found = reader.error().code == base::Code::NotFound;
  if (!object && not_found) return answer(*call.responder, object.error());
  // No node has it yet: there is nothing to read, and nothing wrong.
  if (not_found && !placed) return answer(*call.responder, 200, "", "text/plain");
  if (not_found && waiting) {
    return answer(*call.responder,
                  machinery::bad_request("container \"" + options->container + "\" in pod \"" +
                                         key.name + "\" is waiting to start: ContainerCreating"));
  }
  answer(*call.responder, machinery::from_error(reader.error()));
}

void handle_binding(ApiRequest& call) {
  const auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  const std::string node = base::string_at(body->value, {"target", "name"});
  if (node.empty()) {
    return answer(*call.responder, machinery::bad_request("target.name: Required value"));
  }
  const auto dry = dry_run(call);
  if (!dry) return answer(*call.responder, dry.error());
  ApiError refused;
  const auto now = objects::format_time(call.services.clock.now());
  const storage::Key key{
      .resource = call.resource->storage, .ns = call.info.ns, .name = call.info.name};
  const auto bound = call.services.objects.edit_raw(key, [&](json& pod) {
    refused = {};
    const std::string current = base::string_at(pod, {"spec", "nodeName"});
    if (!current.empty()) {
      refused = machinery::conflict(
          call.resource->type, call.info.name,
          "pod " + call.info.name + " is already assigned to node \"" + current + "\"");
    } else if (base::find(pod, {"metadata", "deletionTimestamp"})) {
      refused = machinery::conflict(call.resource->type, call.info.name,
                                    "pod " + call.info.name +
                                        " is being deleted, cannot be assigned "
                                        "to a host");
    }
    if (!refused.message.empty() || *dry) return false;
    pod["spec"]["nodeName"] = node;
    types::set_condition(pod, "PodScheduled", true, "", "", now);
    for (json& condition : pod["status"]["conditions"]) {
      if (base::string_at(condition, {"reason"}).empty()) condition.erase("reason");
      if (base::string_at(condition, {"message"}).empty()) condition.erase("message");
    }
    return true;
  });
  if (!bound) return answer(*call.responder, bound.error());
  if (!refused.message.empty()) return answer(*call.responder, refused);
  answer(*call.responder, 201,
         R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})"
         "\n");
}

// Eviction asks disruption budgets, which do not exist here. To pretend would be to delete without
// asking anybody.
void handle_eviction(ApiRequest& call) {
  ApiError error = machinery::method_not_supported(call.resource->type);
  error.message =
      "eviction is not supported by this server: there are no disruption budgets; delete "
      "the pod instead";
  answer(*call.responder, error);
}

}  // namespace kube::server::rest
