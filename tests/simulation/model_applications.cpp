#include "tests/simulation/model_applications.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/run_record.h"

namespace simulation {
namespace {

using nlohmann::json;

kube::ObjectKey driver_key(const json& run) {
  return {kube::key_of(run).ns, kube::key_of(run).name + "-driver"};
}

std::string state_of(const json& run) {
  return base::string_at(run, {"status", "applicationState", "state"});
}

bool is_final(const std::string& state) {
  return state == "COMPLETED" || state == "FAILED";
}

}  // namespace

base::Result<kube::Reconciled> ModelApplications::reconcile(const kube::ObjectKey& key) {
  const auto run = cache_.get(config::spark_applications(), key);
  if (run == nullptr) return kube::Reconciled{};
  const bool deleting = base::find(*run, {"metadata", "deletionTimestamp"}) != nullptr;
  const std::string state = state_of(*run);
  base::Status done;
  if (is_final(state)) {
    done = let_go(*run);
  } else {
    const auto pod = api_.get(kube::pods(), driver_key(*run));
    if (!pod && pod.error().code != base::Code::NotFound) return base::failure(pod.error());
    const std::string phase = pod ? base::string_at(*pod, {"status", "phase"}) : "";
    if (pod && !kube::is_owned_by(*pod, kube::uid_of(*run))) {
      // Of a deleted namesake, and nobody else collects it here.
      done = api_.remove(kube::pods(), driver_key(*run), {.uid = kube::uid_of(*pod)});
    } else if (phase == "Succeeded") {
      done = finish(*run, "COMPLETED");
    } else if (phase == "Failed") {
      done = finish(*run, "FAILED");
    } else if (deleting) {
      done = pod ? api_.remove(kube::pods(), driver_key(*run)) : finish(*run, "FAILED");
    } else if (state.empty()) {
      done = submit(*run);
    } else if (!pod) {
      done = finish(*run, "FAILED");
    } else if (phase == "Running" && state != "RUNNING") {
      done = set_state(*run, "RUNNING");
    }
  }
  if (!done) return base::failure(done.error());
  return kube::Reconciled{};
}

base::Status ModelApplications::submit(const json& run) {
  json pod{{"metadata",
            {{"name", driver_key(run).name},
             {"namespace", driver_key(run).ns},
             {"labels", run["metadata"].value("labels", json::object())},
             {"ownerReferences",
              {{{"kind", config::kApplicationKind},
                {"name", kube::key_of(run).name},
                {"uid", kube::uid_of(run)},
                {"controller", true}}}}}},
           {"status", {{"phase", "Pending"}}}};
  pod["metadata"]["labels"][config::kSparkRoleLabel] = "driver";
  const auto created = api_.create(kube::pods(), pod);
  if (!created && created.error().code != base::Code::AlreadyExists)
    return base::failure(created.error());
  return set_state(run, "SUBMITTED");
}

base::Status ModelApplications::set_state(const json& run, const std::string& state) {
  json next = run;
  next["status"]["applicationState"]["state"] = state;
  if (is_final(state))
    next["status"]["terminationTime"] =
        base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock_.now()));
  const auto written = api_.update(config::spark_applications(), next, "status");
  if (!written) return base::failure(written.error());
  return {};
}

base::Status ModelApplications::finish(const json& run, const std::string& state) {
  json ended = run;
  ended["status"]["applicationState"]["state"] = state;
  runner::ApplicationStatus status = runner::read_application(ended).status;
  status.terminated = clock_.now();
  // A crash after this: it is recorded again. A record comes before the state, always.
  RETURN_IF_ERROR(recorder_.record_run(runner::run_record(run, status)));
  return set_state(run, state);
}

base::Status ModelApplications::let_go(const json& run) {
  const json* finalizers = base::find(run, {"metadata", "finalizers"});
  if (finalizers == nullptr || finalizers->empty()) return {};
  json next = run;
  next["metadata"]["finalizers"] = json::array();
  const auto written = api_.update(config::spark_applications(), next);
  if (!written && written.error().code != base::Code::NotFound)
    return base::failure(written.error());
  return {};
}

}  // namespace simulation
