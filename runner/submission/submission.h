#pragma once

// build_submission: what spark-submit in cluster mode would create, as a pure function: no JVM, no
// files, no user code. Two stages: SparkApplication → Spark conf and pod parts; conf → objects.
//
// Every field of the SparkApplication is either honoured or refused by name (InvalidArgument:
// "spec.batchScheduler is not supported yet"), never ignored.
// Threads: pure.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>  // a member by value

#include "base/clock.h"
#include "base/result.h"
#include "runner/submission/spark_version.h"

namespace runner::submission {

// What the pods of a run become. As processes of a machine they need no image, and what only a
// container or a cluster has is left out of them and told (Submission::warnings), not refused.
enum class PodsRunAs { Containers, Processes };

// How drivers are shown outside of the cluster.
struct Exposure {
  std::string ui_url_format;  // "{{$appName}}.example.com"; empty: UIs get no Ingress
  std::string ingress_class;  // empty: the cluster's default
  std::string gateway;        // "namespace/name": HTTPRoutes there instead of Ingresses
};

// Where a run's UI is found, as far as it was asked for; empty otherwise.
struct WebUi {
  std::string service;
  int64_t port = 0;
  std::string route;    // of its Ingress or HTTPRoute
  std::string address;  // "https://pi.example.com/jobs"
};

// What comes from the service and the attempt, not from the user.
struct Context {
  // submission_ids(UID, attempts) of names.h: a repeated submission makes the same names.
  std::string app_id;
  std::string unique_id;
  std::string submission_id;
  std::string master_url;  // "https://10.96.0.1:443"; becomes spark.master=k8s://…
  std::string spark_user = "root";
  base::WallTime submit_time;
  PodsRunAs pods = PodsRunAs::Containers;
  // The Spark that runs whatever an application asks for ("4.0.1"); empty: images bring it along.
  std::string installed_spark;
  // Service-level defaults; the user's sparkConf wins except for `forced_conf`.
  std::map<std::string, std::string> default_conf;
  std::map<std::string, std::string> forced_conf;
  Exposure exposure;
  // What will run the pods, when it is known, says what it would refuse of one
  // ("volume \"x\": nfs is not supported …"). Empty: it says so when it gets the pod.
  std::function<base::Status(const nlohmann::json& pod)> check_pod;
};

struct Submission {
  // In the order to create: ConfigMaps, Service, … then the driver pod. Owner references are set by
  // the controller.
  std::vector<nlohmann::json> before_pod;
  nlohmann::json driver_pod;
  SparkVersion version;  // whose rules it follows
  WebUi web_ui;
  // What the user should be told though nothing is wrong: events.
  std::vector<std::string> warnings;
  // Paths of what has no effect here because pods run as processes: one event names them.
  std::vector<std::string> left_out;
};

// Errors begin with the path of what people wrote: "spec.driver.memory must be a size …".
base::Result<Submission> build_submission(const nlohmann::json& application,
                                          const Context& context);

// Whether there is a NetworkPolicy among its objects.
bool makes_network_policy(const nlohmann::json& application, const Context& context);

// A dry run, for whoever wants to say so before the first slot: what submitting `application` would
// be refused for, with paths that begin with `root` ("spec.template" in a schedule) instead of
// "spec"; nullopt: nothing. The ids in `context` may be any.
std::optional<base::Error> check_template(const nlohmann::json& application, const Context& context,
                                          std::string_view root);

// The same with what would be told though nothing is wrong.
struct DryRun {
  std::optional<base::Error> refusal;
  std::vector<std::string> warnings;
};
DryRun dry_run(const nlohmann::json& application, const Context& context, std::string_view root);

// What an API server or a node says about a pod names its places in the pod
// ("spec.volumes[2].nfs"); where people wrote the same thing, this puts their path
// ("spec.volumes[0].nfs"). `pod` is one that build_submission made of `application`.
std::string with_written_paths(std::string message, const nlohmann::json& pod,
                               const nlohmann::json& application);

}  // namespace runner::submission
