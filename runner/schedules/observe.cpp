#include "runner/schedules/observe.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/object_decoder.h"

namespace runner::schedules {
namespace {

using nlohmann::json;

bool is_driver(const json& pod) {
  return base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) == "driver";
}

bool cached_driver_alive(const kube::Cache& cache, const std::string& run_uid) {
  for (const auto& pod : cache.owned_by(kube::pods(), run_uid))
    if (is_driver(*pod) && driver_alive(*pod)) return true;
  return false;
}

// The SparkApplication that a driver pod belongs to.
kube::OwnerReference application_of(const json& pod) {
  return kube::owner_of_kind(pod, config::kApplicationKind).value_or(kube::OwnerReference{});
}

class LiveView {
 public:
  LiveView(kube::Api& api, const kube::Cache& cache, const json& schedule)
      : api_(api), cache_(cache), schedule_(schedule), key_(kube::key_of(schedule)) {}

  base::Result<ScheduleView> read(LiveDrivers drivers) {
    RETURN_IF_ERROR(read_applications());
    RETURN_IF_ERROR(confirm_cached());
    if (drivers == LiveDrivers::Read) {
      RETURN_IF_ERROR(read_drivers());
    } else {
      view_.leftovers.clear();
      for (ScheduleRun& run : view_.runs)
        run.observed.driver_alive = cached_driver_alive(cache_, run.observed.uid);
    }
    return std::move(view_);
  }

 private:
  [[nodiscard]] std::string selector() const {
    return std::string(config::kScheduledAppNameLabel) + "=" + config::label_value(key_.name);
  }

  base::Status read_applications() {
    ASSIGN_OR_RETURN(
        const kube::ObjectList found,
        api_.list(config::spark_applications(), {.ns = key_.ns, .label_selector = selector()}));
    // What cannot be read may be a run that has not ended.
    RETURN_IF_ERROR(kube::require_all_readable(found));
    for (const json& application : found.items)
      take(application);
    return {};
  }

  void take(const json& application) {
    const Ownership whose = ownership(application, schedule_);
    known_[kube::uid_of(application)] = whose;
    if (whose == Ownership::Ours) {
      view_.runs.push_back(read_run(application));
    } else if (whose == Ownership::Namesake &&
               read_run(application).observed.phase == scheduler::RunPhase::Unfinished) {
      // It may not even have a driver yet, but it may still get one.
      is_in_the_way(config::spark_applications(), kube::key_of(application),
                    kube::uid_of(application));
    }
  }

  void is_in_the_way(const kube::ResourceType& type, const kube::ObjectKey& key,
                     const std::string& uid) {
    const bool known = std::any_of(view_.leftovers.begin(), view_.leftovers.end(),
                                   [&](const Leftover& one) { return one.uid == uid; });
    if (!known) view_.leftovers.push_back({.type = &type, .key = key, .uid = uid});
  }

  // Runs that lost their label are ours all the same, if the API still has them.
  base::Status confirm_cached() {
    for (const auto& cached :
         cache_.owned_by(config::spark_applications(), kube::uid_of(schedule_))) {
      if (known_.contains(kube::uid_of(*cached))) continue;
      const auto live = api_.get(config::spark_applications(), kube::key_of(*cached));
      if (live) {
        if (!known_.contains(kube::uid_of(*live))) take(*live);
      } else if (live.error().code != base::Code::NotFound) {
        return base::failure(live.error());
      }
    }
    return {};
  }

  base::Status read_drivers() {
    ASSIGN_OR_RETURN(
        const kube::ObjectList pods,
        api_.list(kube::pods(),
                  {.ns = key_.ns,
                   .label_selector =
                       selector() + "," + std::string(config::kSparkRoleLabel) + "=driver"}));
    RETURN_IF_ERROR(kube::require_all_readable(pods));
    std::set<std::string> living;  // UIDs of applications
    std::set<std::string> listed;  // UIDs of pods
    for (const json& pod : pods.items) {
      listed.insert(kube::uid_of(pod));
      if (!driver_alive(pod)) continue;
      const kube::OwnerReference owner = application_of(pod);
      living.insert(owner.uid);
      RETURN_IF_ERROR(look_at_its_run(pod, owner));
    }
    for (ScheduleRun& run : view_.runs) {
      const std::string& uid = run.observed.uid;
      if (living.contains(uid)) {
        run.observed.driver_alive = true;
      } else {
        ASSIGN_OR_RETURN(run.observed.driver_alive, unlisted_driver_alive(uid, listed));
      }
    }
    return {};
  }

  // Drivers that lost their label. What the cache says of those that were listed is old.
  base::Result<bool> unlisted_driver_alive(const std::string& run_uid,
                                           const std::set<std::string>& listed) {
    for (const auto& cached : cache_.owned_by(kube::pods(), run_uid)) {
      if (!is_driver(*cached) || !driver_alive(*cached) || listed.contains(kube::uid_of(*cached)))
        continue;
      const auto live = api_.get(kube::pods(), kube::key_of(*cached));
      if (!live && live.error().code != base::Code::NotFound) return base::failure(live.error());
      if (live && kube::uid_of(*live) == kube::uid_of(*cached) && driver_alive(*live)) return true;
    }
    return false;
  }

  // A driver is in the way if its run is gone, or is a deleted namesake's.
  base::Status look_at_its_run(const json& pod, const kube::OwnerReference& owner) {
    if (owner.uid.empty()) return {};
    const kube::ObjectKey run{key_.ns, owner.name};
    if (!known_.contains(owner.uid)) {
      const auto live = api_.get(config::spark_applications(), run);
      if (!live && live.error().code != base::Code::NotFound) return base::failure(live.error());
      if (!live || kube::uid_of(*live) != owner.uid) {
        is_in_the_way(kube::pods(), kube::key_of(pod), kube::uid_of(pod));
        return {};
      }
      known_[owner.uid] = ownership(*live, schedule_);
    }
    if (known_[owner.uid] == Ownership::Namesake)
      is_in_the_way(config::spark_applications(), run, owner.uid);
    return {};
  }

  kube::Api& api_;
  const kube::Cache& cache_;
  const json& schedule_;
  kube::ObjectKey key_;
  std::map<std::string, Ownership> known_;  // by UID
  ScheduleView view_;
};

}  // namespace

ScheduleView cached_view(const kube::Cache& cache, const json& schedule) {
  ScheduleView view;
  for (const auto& application :
       cache.owned_by(config::spark_applications(), kube::uid_of(schedule))) {
    // owned_by() takes whatever names the schedule as an owner; not all of it are runs.
    if (ownership(*application, schedule) != Ownership::Ours) continue;
    view.runs.push_back(read_run(*application));
    ScheduleRun& run = view.runs.back();
    run.observed.driver_alive = cached_driver_alive(cache, run.observed.uid);
  }
  return view;
}

base::Result<ScheduleView> live_view(kube::Api& api, const kube::Cache& cache, const json& schedule,
                                     LiveDrivers drivers) {
  return LiveView(api, cache, schedule).read(drivers);
}

}  // namespace runner::schedules
