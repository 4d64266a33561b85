#include "runner/admission/defaults.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace runner::admission {
namespace {

using nlohmann::json;

struct Default {
  json::json_pointer where;
  json value;
};

class Finder {
 public:
  Finder(const json& application, const ServiceConf& service)
      : application_(application), service_(service) {}

  std::vector<Default> find() {
    add("/spec/mode", "cluster");
    add("/spec/restartPolicy", {{"type", "Never"}});
    add("/spec/restartPolicy/type", "Never");
    const std::string policy = base::string_at(application_, {"spec", "restartPolicy", "type"});
    if (!policy.empty() && policy != "Never") {
      add("/spec/restartPolicy/onSubmissionFailureRetryInterval", 5);
      add("/spec/restartPolicy/onFailureRetryInterval", 5);
    }
    for (const std::string role : {"driver", "executor"}) {
      if (!in_conf("spark." + role + ".cores")) add("/spec/" + role + "/cores", 1);
      if (!in_conf("spark." + role + ".memory")) add("/spec/" + role + "/memory", "1g");
    }
    const bool dynamic =
        base::bool_at(application_, {"spec", "dynamicAllocation", "enabled"}).value_or(false);
    if (dynamic) add("/spec/dynamicAllocation/shuffleTrackingEnabled", true);
    if (!dynamic && !in_conf("spark.executor.instances") &&
        !in_conf("spark.dynamicAllocation.enabled"))
      add("/spec/executor/instances", 1);
    return std::move(found_);
  }

 private:
  bool in_conf(const std::string& key) const {
    return service_.contains(key) ||
           base::find(application_, {"spec", "sparkConf", key}) != nullptr;
  }

  // Only into objects that are there: what is missing or has a wrong type is for the CRD to refuse.
  void add(const std::string& where, json value) {
    const json::json_pointer pointer(where);
    const json::json_pointer parent = pointer.parent_pointer();
    if (!application_.contains(parent) || !application_.at(parent).is_object()) return;
    if (application_.contains(pointer) && !application_.at(pointer).is_null()) return;
    found_.push_back({pointer, std::move(value)});
  }

  const json& application_;
  const ServiceConf& service_;
  std::vector<Default> found_;
};

bool has_spec(const json& application) {
  const json* spec = base::find(application, {"spec"});
  return spec != nullptr && spec->is_object();
}

}  // namespace

json with_defaults(json application, const ServiceConf& service) {
  if (!has_spec(application)) return application;
  for (Default& one : Finder(application, service).find())
    application[one.where] = std::move(one.value);
  return application;
}

json with_kept_defaults(json application, const json& old, const ServiceConf& service) {
  if (!has_spec(application)) return application;
  for (Default& one : Finder(application, service).find())
    if (old.contains(one.where) && old.at(one.where) == one.value)
      application[one.where] = std::move(one.value);
  return application;
}

}  // namespace runner::admission
