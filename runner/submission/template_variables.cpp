#include "runner/submission/template_variables.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kSparksOwn = {"APP_ID", "EXECUTOR_ID", "SPARK_VERSION",
                                                        "SCALA_VERSION", "JAVA_VERSION"};

class Substituter {
 public:
  Substituter(const Conf& variables, std::vector<std::string>& warnings)
      : variables_(variables), warnings_(warnings) {}

  void text(json& value, const std::string& path) {
    if (!value.is_string()) return;
    Substitution result = substitute(value.get_ref<const std::string&>(), variables_);
    for (const std::string& unknown : result.unknown) {
      warnings_.push_back(path + ": " + unknown + " has no value and stays as it is");
    }
    value = std::move(result.text);
  }
  void list(json& owner, const char* name, const std::string& path) {
    if (json* values = member(owner, name); values != nullptr && values->is_array()) {
      for (size_t i = 0; i < values->size(); ++i) {
        text((*values)[i], path + "." + name + "[" + std::to_string(i) + "]");
      }
    }
  }
  void map(json& owner, const char* name, const std::string& path) {
    if (json* values = member(owner, name); values != nullptr && values->is_object()) {
      for (auto& [key, value] : values->items())
        text(value, path + "." + name + "." + key);
    }
  }
  void env(json& owner, const std::string& path) {
    json* values = member(owner, "env");
    if (values == nullptr || !values->is_array()) return;
    for (size_t i = 0; i < values->size(); ++i) {
      if (json* value = member((*values)[i], "value")) {
        text(*value, path + ".env[" + std::to_string(i) + "].value");
      }
    }
  }
  static json* member(json& owner, const char* name) {
    if (!owner.is_object()) return nullptr;
    const auto at = owner.find(name);
    return at == owner.end() ? nullptr : &*at;
  }

 private:
  const Conf& variables_;
  std::vector<std::string>& warnings_;
};

}  // namespace

Conf template_variables(const json& application) {
  const auto annotation = [&application](const char* name) {
    return base::string_at(application, {"metadata", "annotations", name});
  };
  Conf variables = {{"RunName", base::string_at(application, {"metadata", "name"})},
                    {"Namespace", base::string_at(application, {"metadata", "namespace"})}};
  const std::string schedule =
      base::string_at(application, {"metadata", "labels", config::kScheduledAppNameLabel});
  if (!schedule.empty()) variables["ScheduleName"] = schedule;
  const std::string slot = annotation(config::kScheduledTimeAnnotation);
  if (slot.empty()) return variables;
  std::string local = annotation(config::kScheduledTimeLocalAnnotation);
  if (local.empty()) local = slot;
  variables["ScheduledTime"] = slot;
  variables["ScheduledTimeLocal"] = local;
  variables["ScheduledDate"] = local.substr(0, local.find('T'));
  variables["PreviousScheduledTime"] = annotation(config::kPreviousScheduledTimeAnnotation);
  return variables;
}

Substitution substitute(std::string_view text, const Conf& variables) {
  Substitution result;
  while (true) {
    const size_t close = text.find("}}");
    // The nearest braces before: "{{ {{ .RunName }}" has one variable.
    const size_t open = close == std::string_view::npos || close < 2 ? std::string_view::npos
                                                                     : text.rfind("{{", close - 2);
    if (open == std::string_view::npos) {
      const size_t upto = close == std::string_view::npos ? text.size() : close + 2;
      result.text += text.substr(0, upto);
      text.remove_prefix(upto);
      if (text.empty()) return result;
      continue;
    }
    const std::string_view whole = text.substr(open, close + 2 - open);
    const std::string_view name = trim(text.substr(open + 2, close - open - 2));
    result.text += text.substr(0, open);
    const std::string* value = name.starts_with('.') ? find(variables, name.substr(1)) : nullptr;
    if (value != nullptr) {
      result.text += *value;
    } else {
      result.text += whole;
      if (std::find(kSparksOwn.begin(), kSparksOwn.end(), name) == kSparksOwn.end()) {
        result.unknown.emplace_back(whole);
      }
    }
    text.remove_prefix(close + 2);
  }
}

json substitute_variables(json application, std::vector<std::string>& warnings) {
  json* spec = Substituter::member(application, "spec");
  if (spec == nullptr) return application;
  const Conf variables = template_variables(application);
  Substituter substituter(variables, warnings);
  substituter.list(*spec, "arguments", "spec");
  substituter.map(*spec, "sparkConf", "spec");
  for (const char* role : {"driver", "executor"}) {
    if (json* pod = Substituter::member(*spec, role)) {
      const std::string path = std::string("spec.") + role;
      substituter.env(*pod, path);
      for (const char* values :
           {"envVars", "labels", "annotations", "serviceLabels", "serviceAnnotations"})
        substituter.map(*pod, values, path);
    }
  }
  return application;
}

}  // namespace runner::submission
