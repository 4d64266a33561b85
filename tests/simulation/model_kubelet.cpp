#include "tests/simulation/model_kubelet.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/object.h"

namespace simulation {
namespace {

using nlohmann::json;
using std::chrono::floor;
using std::chrono::seconds;

std::string text(base::WallTime time) {
  return base::format_rfc3339(floor<seconds>(time));
}

}  // namespace

void ModelKubelet::act(uint32_t one_in) {
  for (const auto& pod : api_.peek_all(kube::pods()))
    if (base::string_at(*pod, {"metadata", "labels", config::kSparkRoleLabel}) == "driver")
      act_on(*pod, one_in);
}

void ModelKubelet::act_on(const json& pod, uint32_t one_in) {
  const kube::ObjectKey key = kube::key_of(pod);
  const auto found = std::find_if(drivers_.begin(), drivers_.end(), [&](const Driver& one) {
    return one.pod_uid == kube::uid_of(pod);
  });
  Driver* driver = found == drivers_.end() ? nullptr : &*found;
  if (kube::is_deleting(pod)) {
    if (driver != nullptr && driver->alive && !random_.one_in(one_in)) return;
    if (driver != nullptr) driver->alive = false;
    return api_.erase(kube::pods(), key);
  }
  if (driver == nullptr) {
    if (random_.one_in(one_in) && can_mount(pod)) start(pod);
  } else if (driver->alive && random_.one_in(one_in)) {
    end(*driver, key);
  }
}

bool ModelKubelet::can_mount(const json& pod) const {
  const json* volumes = base::find(pod, {"spec", "volumes"});
  if (volumes == nullptr || !volumes->is_array()) return true;
  return std::all_of(volumes->begin(), volumes->end(), [&](const json& volume) {
    const json* source = base::find(volume, {"configMap"});
    if (source == nullptr || base::bool_at(*source, {"optional"}).value_or(false)) return true;
    const auto map =
        api_.peek(kube::config_maps(), {kube::key_of(pod).ns, base::string_at(*source, {"name"})});
    if (map == nullptr) return false;
    const json items = source->value("items", json::array());
    return std::all_of(items.begin(), items.end(), [&](const json& item) {
      return base::find(*map, {"data", base::string_at(item, {"key"})}) != nullptr;
    });
  });
}

void ModelKubelet::start(const json& pod) {
  const Driver driver{.pod_uid = kube::uid_of(pod),
                      .run_uid = base::string_at(pod["metadata"]["ownerReferences"][0], {"uid"}),
                      .alive = true};
  const auto others = std::count_if(drivers_.begin(), drivers_.end(), [&](const Driver& one) {
    return one.alive && one.run_uid != driver.run_uid;
  });
  drivers_.push_back(driver);
  tell("driver " + kube::key_of(pod).name + " runs");
  started(driver.run_uid, static_cast<size_t>(others));
  api_.set(kube::pods(), kube::key_of(pod), "/status",
           {{"phase", "Running"}, {"startTime", text(clock_.now())}});
}

void ModelKubelet::end(Driver& driver, const kube::ObjectKey& pod) {
  driver.alive = false;
  const int exit_code = random_.one_in(4) ? 1 : 0;
  tell("driver " + pod.name + " exits " + std::to_string(exit_code));
  api_.set(
      kube::pods(), pod, "/status",
      {{"phase", exit_code == 0 ? "Succeeded" : "Failed"},
       {"containerStatuses",
        {{{"name", config::kDriverContainer},
          {"state",
           {{"terminated", {{"exitCode", exit_code}, {"finishedAt", text(clock_.now())}}}}}}}}});
}

}  // namespace simulation
