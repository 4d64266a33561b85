#include "tools/sparkcron/finished_logs.h"

#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "config/names.h"
#include "kube/object.h"
#include "monitor/log_store.h"
#include "tools/sparkcron/log_archiving.h"

namespace sparkcron {
namespace {

std::optional<monitor::FinishedLog> driver_log(const nlohmann::json& pod,
                                               const std::string& container,
                                               const runner::node::ContainerLog& log) {
  if (base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) != "driver")
    return std::nullopt;
  monitor::FinishedLog finished{.pod = kube::key_of(pod),
                                .pod_uid = kube::uid_of(pod),
                                .container = container,
                                .attempt = monitor::attempt_of(pod),
                                .files = log.files};
  finished.run = {finished.pod.ns, config::name_from_label(pod, config::kAppNameLabel)};
  finished.schedule = config::name_from_label(pod, config::kScheduledAppNameLabel);
  if (const auto owner = kube::controller_of(pod)) finished.run_uid = owner->uid;
  return finished;
}

}  // namespace

void FinishedLogs::keep(const nlohmann::json& pod, const std::string& container,
                        const runner::node::ContainerLog& log, kube::EventRecorder& events) {
  const auto finished = driver_log(pod, container, log);
  if (!finished) return;
  const auto kept = archive_.keep(*finished);
  ++(kept ? kept_ : lost_);
  if (kept) return;
  base::log_warning("sparkcron", "Could not keep a driver's log",
                    {{"pod", finished->pod.to_string()}, {"error", kept.error().message}});
  events.record(pod, kube::EventType::Warning, "LogLost", "Keeping",
                "The driver's log went with its pod: " + kept.error().message);
}

std::vector<monitor::Reading> FinishedLogs::readings() const {
  return {kept_logs_reading(kept_), lost_logs_reading(lost_)};
}

}  // namespace sparkcron
