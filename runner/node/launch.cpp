#include "runner/node/launch.h"

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;

const char* role_name(ContainerRole role) {
  switch (role) {
    case ContainerRole::Init:
      return "init";
    case ContainerRole::Sidecar:
      return "sidecar";
    case ContainerRole::Main:
      break;
  }
  return "main";
}

ContainerRole role_of(const std::string& name) {
  if (name == "init") return ContainerRole::Init;
  return name == "sidecar" ? ContainerRole::Sidecar : ContainerRole::Main;
}

std::vector<std::string> strings_at(const Json& object, const char* key) {
  std::vector<std::string> strings;
  const Json* array = base::find(object, {key});
  if (array == nullptr || !array->is_array()) return strings;
  for (const Json& item : *array)
    if (item.is_string()) strings.push_back(item.get<std::string>());
  return strings;
}

}  // namespace

base::Status write_launch(const PodFiles& files, const Launch& launch) {
  Json containers = Json::array();
  for (const ContainerLaunch& container : launch.containers) {
    containers.push_back({{"name", container.name},
                          {"role", role_name(container.role)},
                          {"arguments", container.arguments},
                          {"environment", container.environment},
                          {"workingFolder", container.working_folder},
                          {"log", container.log}});
  }
  Json document = {{"uid", launch.uid},
                   {"containers", std::move(containers)},
                   {"graceSeconds", launch.grace.count()},
                   {"logLimit", launch.log_limit},
                   {"bell", launch.bell}};
  if (launch.deadline) document["deadlineMillis"] = launch.deadline->time_since_epoch().count();
  return base::write_durably(files.launch(), base::dump_json(document), 0600);
}

base::Result<Launch> read_launch(const PodFiles& files) {
  ASSIGN_OR_RETURN(const std::string text, base::read_own_file(files.launch()));
  ASSIGN_OR_RETURN(const Json document, base::parse_json(text, {.bytes = size_t{64} << 20}));
  Launch launch{
      .uid = base::string_at(document, {"uid"}),
      .grace = std::chrono::seconds(base::integer_at(document, {"graceSeconds"}).value_or(30)),
      .bell = base::string_at(document, {"bell"})};
  if (const auto limit = base::integer_at(document, {"logLimit"}); limit && *limit > 0)
    launch.log_limit = static_cast<uint64_t>(*limit);
  if (const auto millis = base::integer_at(document, {"deadlineMillis"}))
    launch.deadline = base::WallTime(std::chrono::milliseconds(*millis));
  const Json* containers = base::find(document, {"containers"});
  if (launch.uid.empty() || containers == nullptr || !containers->is_array())
    return failure(Code::InvalidArgument, files.launch().string() + ": not a launch file");
  for (const Json& container : *containers) {
    launch.containers.push_back({.name = base::string_at(container, {"name"}),
                                 .role = role_of(base::string_at(container, {"role"})),
                                 .arguments = strings_at(container, "arguments"),
                                 .environment = strings_at(container, "environment"),
                                 .working_folder = base::string_at(container, {"workingFolder"}),
                                 .log = base::string_at(container, {"log"})});
    if (launch.containers.back().arguments.empty())
      return failure(Code::InvalidArgument,
                     files.launch().string() + ": a container without program");
  }
  return launch;
}

base::Status write_stop(const PodFiles& files, const StopRequest& request) {
  return base::write_durably(files.stop(),
                             base::dump_json({{"graceSeconds", request.grace.count()}}), 0600);
}

base::Result<StopRequest> read_stop(const PodFiles& files) {
  ASSIGN_OR_RETURN(const std::string text, base::read_own_file(files.stop(), 4096));
  ASSIGN_OR_RETURN(const Json document, base::parse_json(text));
  return StopRequest{
      .grace = std::chrono::seconds(base::integer_at(document, {"graceSeconds"}).value_or(30))};
}

}  // namespace runner::node
