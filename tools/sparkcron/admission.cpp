#include "tools/sparkcron/admission.h"

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "config/names.h"
#include "runner/admission/checks.h"
#include "runner/admission/quota.h"
#include "runner/applications/context.h"

namespace sparkcron {
namespace {

namespace admission = runner::admission;

const kube::ResourceType& resource_quotas() {
  static const kube::ResourceType type{"", "v1", "resourcequotas", "ResourceQuota", true};
  return type;
}

base::Status check_quota(kube::Api& api, const nlohmann::json& application,
                         const runner::applications::ApplicationOptions& options) {
  const std::string ns = base::string_at(application, {"metadata", "namespace"});
  ASSIGN_OR_RETURN(const auto demand, runner::applications::demand_of(application, options));
  ASSIGN_OR_RETURN(const kube::ObjectList quotas, api.list(resource_quotas(), {.ns = ns}));
  return admission::check_quotas(demand, quotas.items);
}

std::string stored_as(const kube::ResourceType& type) {
  return type.plural + "." + type.group;
}

// Runs of schedules were looked at with their schedule, and what has a finalizer is at work.
bool is_from_people(const nlohmann::json& application) {
  const nlohmann::json* owners = base::find(application, {"metadata", "ownerReferences"});
  const nlohmann::json* finalizers = base::find(application, {"metadata", "finalizers"});
  return (owners == nullptr || owners->empty()) && (finalizers == nullptr || finalizers->empty());
}

}  // namespace

admission::Rules admission_rules(const Options& options, kube::Api& api, base::Clock& clock) {
  runner::applications::ApplicationOptions application;
  application.default_conf = options.default_conf;
  admission::Rules rules{
      .schedule = admission::schedule_check(options.default_time_zone, application, clock),
      .application = admission::application_check(application),
      .quota = {},
      .default_conf = options.default_conf};
  if (options.webhook && options.webhook->checks_quota) {
    rules.quota = [&api, application](const nlohmann::json& object) {
      return check_quota(api, object, application);
    };
  }
  return rules;
}

kube::server::Advise advice(const Options& options,
                            const runner::applications::ApplicationOptions& application,
                            base::Clock& clock) {
  // As much as an API server passes on from a webhook.
  constexpr size_t kMostWarnings = 16;
  constexpr size_t kMostText = 256;
  return [of_schedule = admission::schedule_check(options.default_time_zone, application, clock),
          of_application = admission::application_check(application)](
             const std::string& resource, const nlohmann::json& object) {
    std::vector<std::string> texts;
    const bool schedule = resource == stored_as(config::scheduled_spark_applications());
    const bool is_application = resource == stored_as(config::spark_applications());
    if (!schedule && (!is_application || !is_from_people(object))) return texts;
    const auto verdict = schedule ? of_schedule(object) : of_application(object);
    if (verdict.refusal)
      texts.push_back((schedule ? "it will start no run: " : "it cannot run: ") +
                      base::cut_text(verdict.refusal->message, kMostText));
    for (const std::string& warning : verdict.warnings)
      if (texts.size() < kMostWarnings) texts.push_back(base::cut_text(warning, kMostText));
    return texts;
  };
}

}  // namespace sparkcron
