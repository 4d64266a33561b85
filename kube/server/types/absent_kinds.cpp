#include "kube/server/types/absent_kinds.h"

namespace kube::server::types {
namespace {

constexpr const char* kServes =
    "sparkcron standalone keeps no pods running but drivers and their executors: start it as a "
    "service of this machine, or use a cluster with `sparkcron controller`";
constexpr const char* kRunsOnce =
    "sparkcron standalone runs Spark applications only: create a SparkApplication, which runs "
    "once, or use a cluster with `sparkcron controller`";
constexpr const char* kRunsBySchedule =
    "sparkcron standalone runs Spark applications only: create a ScheduledSparkApplication, which "
    "runs by its schedule, or use a cluster with `sparkcron controller`";
constexpr const char* kRoutes =
    "sparkcron standalone has no cluster network: reach processes by the addresses that they "
    "listen on";

}  // namespace

const std::vector<AbsentKind>& absent_kinds() {
  static const std::vector<AbsentKind> kinds = {
      {.type = {"apps", "v1", "daemonsets", "DaemonSet", true},
       .singular = "daemonset",
       .short_names = {"ds"},
       .categories = {"all"},
       .refusal = kServes},
      {.type = {"apps", "v1", "deployments", "Deployment", true},
       .singular = "deployment",
       .short_names = {"deploy"},
       .categories = {"all"},
       .refusal = kServes},
      {.type = {"apps", "v1", "replicasets", "ReplicaSet", true},
       .singular = "replicaset",
       .short_names = {"rs"},
       .categories = {"all"},
       .refusal = kServes},
      {.type = {"apps", "v1", "statefulsets", "StatefulSet", true},
       .singular = "statefulset",
       .short_names = {"sts"},
       .categories = {"all"},
       .refusal = kServes},
      {.type = {"", "v1", "replicationcontrollers", "ReplicationController", true},
       .singular = "replicationcontroller",
       .short_names = {"rc"},
       .categories = {"all"},
       .refusal = kServes},
      {.type = {"batch", "v1", "jobs", "Job", true},
       .singular = "job",
       .short_names = {},
       .categories = {"all"},
       .refusal = kRunsOnce},
      {.type = {"batch", "v1", "cronjobs", "CronJob", true},
       .singular = "cronjob",
       .short_names = {"cj"},
       .categories = {"all"},
       .refusal = kRunsBySchedule},
      {.type = {"", "v1", "endpoints", "Endpoints", true},
       .singular = "endpoints",
       .short_names = {"ep"},
       .categories = {},
       .refusal = kRoutes},
  };
  return kinds;
}

}  // namespace kube::server::types
