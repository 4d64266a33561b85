#pragma once

// The names that are public contract: API group, labels, annotations, environment variables. Those
// of the Kubeflow operator are kept, so that existing tools go on working.
//
// Threads: pure functions and constants.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"

namespace config {

inline constexpr const char* kGroup = "sparkoperator.k8s.io";
inline constexpr const char* kVersion = "v1beta2";
inline constexpr const char* kApiVersion = "sparkoperator.k8s.io/v1beta2";
inline constexpr const char* kApplicationKind = "SparkApplication";
inline constexpr const char* kScheduleKind = "ScheduledSparkApplication";

inline constexpr const char* kAppNameLabel = "sparkoperator.k8s.io/app-name";
inline constexpr const char* kScheduledAppNameLabel = "sparkoperator.k8s.io/scheduled-app-name";
inline constexpr const char* kLaunchedByLabel = "sparkoperator.k8s.io/launched-by-spark-operator";
inline constexpr const char* kCreatedByLabel = "sparkoperator.k8s.io/created-by-spark-operator";
inline constexpr const char* kSubmissionIdLabel = "sparkoperator.k8s.io/submission-id";
inline constexpr const char* kSparkRoleLabel = "spark-role";
inline constexpr const char* kSparkAppSelectorLabel = "spark-app-selector";
inline constexpr const char* kSparkExecIdLabel = "spark-exec-id";

// The slot of a run, RFC 3339 UTC; on the SparkApplication and on its pods.
inline constexpr const char* kScheduledTimeAnnotation = "sparkoperator.k8s.io/scheduled-time";
inline constexpr const char* kScheduledTimeLocalAnnotation =
    "sparkoperator.k8s.io/scheduled-time-local";
inline constexpr const char* kPreviousScheduledTimeAnnotation =
    "sparkoperator.k8s.io/previous-scheduled-time";
// Asks for a run by hand, and is taken away; of one that stays any new value does.
inline constexpr const char* kTriggerAnnotation = "sparkoperator.k8s.io/trigger";
// "true" on a run that was started by hand; its scheduled-time is when it was asked for.
inline constexpr const char* kManualRunAnnotation = "sparkoperator.k8s.io/manual-run";
// On an attempt's objects: Application::spec_hash of the spec that they were made from.
inline constexpr const char* kSpecHashAnnotation = "sparkoperator.k8s.io/spec-hash";
// Likewise: which attempt of the run, from 1 on, by which its log is found.
inline constexpr const char* kAttemptAnnotation = "sparkoperator.k8s.io/attempt";
// "pods" or "local": where the executors of this application run in standalone.
inline constexpr const char* kExecutorsAnnotation = "sparkoperator.k8s.io/executors";

// On a schedule or an application: which notices its people want, monitor::is_wanted.
inline constexpr const char* kNotifyAnnotation = "sparkoperator.k8s.io/notify";

// Keeps an unfinished run until its driver has stopped and its outcome is recorded.
inline constexpr const char* kRunFinalizer = "sparkoperator.k8s.io/run";

inline constexpr const char* kScheduledTimeEnv = "SPARKCRON_SCHEDULED_TIME";
inline constexpr const char* kScheduledTimeLocalEnv = "SPARKCRON_SCHEDULED_TIME_LOCAL";
inline constexpr const char* kPreviousScheduledTimeEnv = "SPARKCRON_PREVIOUS_SCHEDULED_TIME";

// Where drivers see the files that sparkctl has put into ConfigMaps, each in a folder of its own.
inline constexpr const char* kUploadFolder = "/opt/sparkcron/files";
// On those ConfigMaps.
inline constexpr const char* kUploadLabel = "sparkoperator.k8s.io/uploaded-by-sparkctl";

inline constexpr const char* kDriverContainer = "spark-kubernetes-driver";
inline constexpr const char* kExecutorContainer = "spark-kubernetes-executor";

// Names of objects have up to 253 characters, values of labels 63. What a label says of a name, and
// so what a selector asks for: the name itself if it fits, else its beginning and 8 digits of a
// hash of the whole.
inline constexpr size_t kMaxLabelValue = 63;
std::string label_value(std::string_view name);
// Labels an object with a name. If the name is too long for that, the annotation of the same key
// has it in full.
void set_name_label(nlohmann::json& object, const char* label, const std::string& name);
// The full name that such a label stands for; "" = there is no such label. An annotation that does
// not belong to the label's value is not believed.
std::string name_from_label(const nlohmann::json& object, const char* label);

const kube::ResourceType& spark_applications();
const kube::ResourceType& scheduled_spark_applications();

}  // namespace config
