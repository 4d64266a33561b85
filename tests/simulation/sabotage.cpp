#include "tests/simulation/sabotage.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tests/simulation/truth.h"

namespace simulation {
namespace {

using nlohmann::json;

bool is_run(const kube::ResourceType& type) {
  return type == config::spark_applications();
}
bool is_schedule(const kube::ResourceType& type) {
  return type == config::scheduled_spark_applications();
}
bool has_label(const json& object) {
  return base::string_at(object, {"metadata", "labels", config::kScheduledAppNameLabel}) ==
         kSchedule.name;
}
bool is_deleting(const json& object) {
  return base::find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

// No driver of it was made yet.
bool is_held(const json& run) {
  const std::string state = base::string_at(run, {"status", "applicationState", "state"});
  return state == "SUBMISSION_FAILED" ||
         (state.empty() &&
          !base::string_at(run, {"status", "applicationState", "errorMessage"}).empty());
}

json owned_by_schedule(json run, const std::string& uid) {
  run["metadata"]["ownerReferences"] = {{{"kind", config::kScheduleKind},
                                         {"name", kSchedule.name},
                                         {"uid", uid},
                                         {"controller", true}}};
  return run;
}

}  // namespace

// The run as a controller sees it that goes by labels.
json SabotagedApi::adopt(json run) {
  const auto schedule = cache_.get(config::scheduled_spark_applications(), kSchedule);
  if (schedule == nullptr || !has_label(run)) return run;
  return owned_by_schedule(std::move(run), kube::uid_of(*schedule));
}

base::Result<json> SabotagedApi::get(const kube::ResourceType& type, const kube::ObjectKey& key) {
  if ((sabotage_ == Sabotage::TrustTheCache || sabotage_ == Sabotage::TrustCachedSchedules) &&
      is_schedule(type)) {
    const auto cached = cache_.get(type, key);
    if (cached != nullptr) return *cached;
  }
  auto found = ForwardingApi::get(type, key);
  if (found && is_run(type) && sabotage_ == Sabotage::OwnByLabel) return adopt(*std::move(found));
  return found;
}

base::Result<kube::ObjectList> SabotagedApi::list(const kube::ResourceType& type,
                                                  const kube::ListOptions& options) {
  if (is_schedule(type) &&
      (sabotage_ == Sabotage::TrustTheCache || sabotage_ == Sabotage::TrustCachedSchedules)) {
    kube::ObjectList cached;
    for (const auto& object : cache_.list(type, options.ns))
      cached.items.push_back(*object);
    return cached;
  }
  if (is_schedule(type)) return ForwardingApi::list(type, options);
  if (sabotage_ == Sabotage::TrustTheCache || sabotage_ == Sabotage::TrustCachedRuns) {
    kube::ObjectList cached;
    for (const auto& object : cache_.list(type, options.ns))
      if (has_label(*object) &&
          (is_run(type) ||
           base::string_at(*object, {"metadata", "labels", config::kSparkRoleLabel}) == "driver"))
        cached.items.push_back(*object);
    return cached;
  }
  auto found = ForwardingApi::list(type, options);
  if (!found) return found;
  if (sabotage_ == Sabotage::OwnByLabel && is_run(type))
    for (json& run : found->items)
      run = adopt(std::move(run));
  if (sabotage_ == Sabotage::IgnoreOldDrivers) {
    if (type == kube::pods()) found->items.clear();
    std::erase_if(found->items, is_deleting);
  }
  if (sabotage_ == Sabotage::IgnoreHeldRuns && is_run(type)) std::erase_if(found->items, is_held);
  return found;
}

base::Result<json> SabotagedApi::create(const kube::ResourceType& type, const json& object) {
  auto created = ForwardingApi::create(type, object);
  if (sabotage_ == Sabotage::GiveUpDrivers && !created && type == kube::pods())
    return base::failure(base::Code::Refused, "Pod \"" + kube::key_of(object).name +
                                                  "\" is invalid: " + created.error().message);
  if (sabotage_ != Sabotage::RandomNames || created ||
      created.error().code != base::Code::AlreadyExists)
    return created;
  json renamed = object;
  renamed["metadata"]["name"] = kube::key_of(object).name + "-" + std::to_string(++creations_);
  return ForwardingApi::create(type, renamed);
}

base::Result<json> SabotagedApi::update(const kube::ResourceType& type, const json& object,
                                        std::string_view subresource) {
  if (sabotage_ == Sabotage::None) return ForwardingApi::update(type, object, subresource);
  json next = object;
  if (is_schedule(type) && next["status"].contains("scheduling")) {
    json& scheduling = next["status"]["scheduling"];
    if (sabotage_ == Sabotage::ForgetHeld && scheduling.contains("held")) {
      scheduling["accounted"] = scheduling["held"]["last"];
      scheduling.erase("held");
    }
    if (sabotage_ == Sabotage::CountAgain) {
      const auto before = ForwardingApi::get(type, kube::key_of(object));
      if (before)
        if (const json* still = base::find(*before, {"status", "scheduling", "unfinished"}))
          scheduling["unfinished"] = *still;
    }
    if (sabotage_ == Sabotage::ForgetAhead) scheduling.erase("ahead");
    if (sabotage_ == Sabotage::BelieveAnyClock) {
      const auto before = ForwardingApi::get(type, kube::key_of(object));
      const std::string old =
          before ? base::string_at(*before, {"status", "scheduling", "accounted"}) : "";
      // RFC 3339 in UTC: text in the order of time.
      if (scheduling["accounted"].get<std::string>() < old) scheduling["accounted"] = old;
    }
    if (sabotage_ == Sabotage::ForgetAccounted) {
      const auto before = ForwardingApi::get(type, kube::key_of(object));
      if (before)
        if (const json* old = base::find(*before, {"status", "scheduling", "accounted"}))
          scheduling["accounted"] = *old;
    }
  }
  if (sabotage_ == Sabotage::NoOptimisticLock) next["metadata"].erase("resourceVersion");
  return ForwardingApi::update(type, next, subresource);
}

std::shared_ptr<const json> SabotagedCache::get(const kube::ResourceType& type,
                                                const kube::ObjectKey& key) const {
  return cache_.get(type, key);
}

std::vector<std::shared_ptr<const json>> SabotagedCache::owned_by(const kube::ResourceType& type,
                                                                  const std::string& uid) const {
  if (sabotage_ == Sabotage::OwnByLabel && is_run(type)) {
    std::vector<std::shared_ptr<const json>> labelled;
    for (const auto& run : cache_.list(type, kSchedule.ns))
      if (has_label(*run))
        labelled.push_back(std::make_shared<const json>(owned_by_schedule(*run, uid)));
    return labelled;
  }
  auto found = cache_.owned_by(type, uid);
  if (sabotage_ == Sabotage::IgnoreOldDrivers) {
    if (type == kube::pods()) return {};
    std::erase_if(found, [](const auto& run) { return is_deleting(*run); });
  }
  if (sabotage_ == Sabotage::IgnoreHeldRuns && is_run(type))
    std::erase_if(found, [](const auto& run) { return is_held(*run); });
  return found;
}

std::vector<std::shared_ptr<const json>> SabotagedCache::list(const kube::ResourceType& type,
                                                              const std::string& ns) const {
  return cache_.list(type, ns);
}

base::Status SabotagedRecorder::record_run(const runner::RunRecord& run) {
  return recorder_.record_run(run);
}

base::Result<std::optional<runner::RunRecord>> SabotagedRecorder::find_run(
    const std::string& schedule_uid, const std::string& name) {
  if (sabotage_ == Sabotage::ForgetRecords) return std::optional<runner::RunRecord>();
  return recorder_.find_run(schedule_uid, name);
}

base::Result<std::vector<runner::RunRecord>> SabotagedRecorder::runs_after(
    const std::string& schedule_uid, base::WallTime slot) {
  if (sabotage_ == Sabotage::ForgetRecords) return std::vector<runner::RunRecord>();
  return recorder_.runs_after(schedule_uid, slot);
}

base::Status SabotagedRecorder::record_skip(const runner::SkipRecord& skip) {
  return recorder_.record_skip(skip);
}

base::Result<runner::RunCounts> SabotagedRecorder::counts(const kube::ObjectKey& schedule,
                                                          const std::string& schedule_uid,
                                                          const runner::RunCounts& floor,
                                                          const std::string& trigger) {
  return recorder_.counts(schedule, schedule_uid, floor, trigger);
}

base::Result<std::optional<runner::Remembered>> SabotagedRecorder::remembered(
    const std::string& schedule_uid, std::chrono::sys_seconds until) {
  if (sabotage_ == Sabotage::ForgetCounts) return std::optional<runner::Remembered>();
  auto known = recorder_.remembered(schedule_uid, until);
  if (sabotage_ == Sabotage::ForgetTriggers && known && *known) (*known)->trigger.clear();
  if (sabotage_ == Sabotage::ForgetUnfinished && known && *known) (*known)->unfinished.clear();
  return known;
}

}  // namespace simulation
