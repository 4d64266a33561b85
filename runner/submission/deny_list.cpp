#include "runner/submission/deny_list.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;
using Problem = std::optional<std::string>;

struct DeniedConf {
  std::string_view key;  // one that ends in '.' stands for all that begin with it
  std::string_view instead;
};
// The Kubeflow operator's list first; then what names files or credentials of the service.
constexpr std::array kDeniedConf = {
    DeniedConf{"spark.master", "the service says where the driver runs"},
    DeniedConf{"spark.kubernetes.driver.master", "use spec.driver.kubernetesMaster"},
    DeniedConf{"spark.kubernetes.container.image", "use spec.image"},
    DeniedConf{"spark.kubernetes.driver.container.image", "use spec.driver.image"},
    DeniedConf{"spark.kubernetes.executor.container.image", "use spec.executor.image"},
    DeniedConf{"spark.kubernetes.authenticate.driver.serviceAccountName",
               "use spec.driver.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.executor.serviceAccountName",
               "use spec.executor.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.oauthToken", "use spec.driver.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.oauthTokenFile", "use spec.driver.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.driver.oauthToken", "use spec.driver.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.driver.oauthTokenFile",
               "use spec.driver.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.executor.oauthToken",
               "use spec.executor.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.executor.oauthTokenFile",
               "use spec.executor.serviceAccount"},
    DeniedConf{"spark.kubernetes.authenticate.submission.", "the service submits as itself"},
    DeniedConf{"spark.kubernetes.context", "the service has no kubeconfig for tenants"},
    DeniedConf{"spark.kubernetes.driver.podTemplateFile", "use spec.driver.template"},
    DeniedConf{"spark.kubernetes.executor.podTemplateFile", "use spec.executor.template"},
};

// Keys by which the service knows its own pods and Services; on those they are never a tenant's.
constexpr std::array kOwnKeys = {
    config::kAppNameLabel,
    config::kScheduledAppNameLabel,
    config::kLaunchedByLabel,
    config::kCreatedByLabel,
    config::kSubmissionIdLabel,
    config::kSpecHashAnnotation,
    config::kAttemptAnnotation,
    config::kScheduledTimeAnnotation,
    config::kScheduledTimeLocalAnnotation,
    config::kPreviousScheduledTimeAnnotation,
    config::kManualRunAnnotation,
};

// Where Spark takes labels and annotations from its configuration.
constexpr std::array<std::string_view, 6> kMarkingConf = {
    "spark.kubernetes.driver.label.",         "spark.kubernetes.driver.annotation.",
    "spark.kubernetes.driver.service.label.", "spark.kubernetes.driver.service.annotation.",
    "spark.kubernetes.executor.label.",       "spark.kubernetes.executor.annotation.",
};

bool denies(const DeniedConf& denied, std::string_view key) {
  return denied.key.ends_with('.') ? key.starts_with(denied.key) : key == denied.key;
}

class DenyList {
 public:
  explicit DenyList(const json& application)
      : application_(application),
        ns_(base::string_at(application, {"metadata", "namespace"})),
        name_(base::string_at(application, {"metadata", "name"})) {}

  Problem find() const {
    if (Problem found = in_spark_conf()) return found;
    for (const char* role : {"driver", "executor"})
      if (Problem found = in_role(role)) return found;
    return std::nullopt;
  }

 private:
  // What the service itself would write there is no lie.
  bool is_ours(std::string_view key, const json& value) const {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    if (key == config::kLaunchedByLabel) return text == "true";
    if (key == config::kAppNameLabel) return text == config::label_value(name_);
    if (key != config::kScheduledAppNameLabel) return false;
    return text == base::string_at(application_, {"metadata", "labels", key});
  }

  Problem passes_for_us(std::string_view key, const json& value) const {
    const bool own = std::any_of(kOwnKeys.begin(), kOwnKeys.end(),
                                 [key](std::string_view one) { return one == key; });
    if (!own || is_ours(key, value)) return std::nullopt;
    return std::string(key) + ": the service sets it, to know its own";
  }

  Problem in_map(const json& owner, const char* name, const std::string& path) const {
    const json* map = base::find(owner, {name});
    if (map == nullptr || !map->is_object()) return std::nullopt;
    for (const auto& [key, value] : map->items())
      if (const Problem found = passes_for_us(key, value))
        return path + "." + name + " must not have " + *found;
    return std::nullopt;
  }

  Problem in_spark_conf() const {
    const json* conf = base::find(application_, {"spec", "sparkConf"});
    if (conf == nullptr || !conf->is_object()) return std::nullopt;
    for (const auto& [key, value] : conf->items()) {
      for (const DeniedConf& denied : kDeniedConf)
        if (denies(denied, key))
          return "spec.sparkConf must not set " + key + ": " + std::string(denied.instead);
      if (key == "spark.kubernetes.namespace" && value != json(ns_))
        return "spec.sparkConf must not set spark.kubernetes.namespace to another namespace than " +
               ns_;
      for (const std::string_view prefix : kMarkingConf) {
        if (!key.starts_with(prefix)) continue;
        if (const Problem found = passes_for_us(key.substr(prefix.size()), value))
          return "spec.sparkConf must not set " + std::string(prefix) + *found;
      }
    }
    return std::nullopt;
  }

  Problem in_role(const char* name) const {
    const json* role = base::find(application_, {"spec", name});
    if (role == nullptr) return std::nullopt;
    const std::string path = std::string("spec.") + name;
    for (const char* map : {"labels", "annotations", "serviceLabels", "serviceAnnotations"})
      if (Problem found = in_map(*role, map, path)) return found;
    const json* metadata = base::find(*role, {"template", "metadata"});
    if (metadata == nullptr) return std::nullopt;
    const std::string of_template = path + ".template.metadata";
    for (const char* map : {"labels", "annotations"})
      if (Problem found = in_map(*metadata, map, of_template)) return found;
    const std::string ns = base::string_at(*metadata, {"namespace"});
    if (!ns.empty() && ns != ns_)
      return of_template + ".namespace must not be \"" + ns +
             "\": pods run in the namespace of their application, " + ns_;
    return std::nullopt;
  }

  const json& application_;
  const std::string ns_;
  const std::string name_;
};

}  // namespace

base::Status check_denied(const json& application) {
  if (const Problem found = DenyList(application).find())
    return base::failure(base::Code::InvalidArgument, *found);
  return {};
}

}  // namespace runner::submission
