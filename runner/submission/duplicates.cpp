#include "runner/submission/duplicates.h"

#include <algorithm>
#include <array>
#include <map>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::submission {
namespace {

using nlohmann::json;

struct Unique {
  const char* list;
  const char* key;
  const char* what;
};
constexpr std::string_view kEnv = "env";
constexpr Unique kVolumes = {"volumes", "name", "volumes named"};
constexpr std::array kOfContainer = {
    Unique{"env", "name", "environment variables named"},
    Unique{"ports", "name", "ports named"},
    Unique{"volumeMounts", "mountPath", "volumes mounted at"},
};
// Spark's own, which spec.sparkConfigMap and spec.hadoopConfigMap are there to overrule.
constexpr std::array<std::string_view, 2> kMeantToBe = {"SPARK_CONF_DIR", "HADOOP_CONF_DIR"};

bool is_told(const json& earlier, const json& last, std::string_view name) {
  return earlier != last &&
         std::find(kMeantToBe.begin(), kMeantToBe.end(), name) == kMeantToBe.end();
}

// OPTS: "$(OPTS) -Db" adds to what stands before it, and so may any variable in between.
bool is_referred_to(const json& list, size_t index, size_t last, const std::string& name) {
  const std::string reference = "$(" + name + ")";
  for (size_t i = index + 1; i <= last; ++i)
    if (base::string_at(list[i], {"value"}).find(reference) != std::string::npos) return true;
  return false;
}

// The last of a name stays where it is, since later variables may refer to it.
void keep_last(json& owner, const Unique& unique, std::string_view role,
               std::vector<std::string>& warnings) {
  const auto list = owner.find(unique.list);
  if (list == owner.end() || !list->is_array()) return;
  std::map<std::string, size_t> last;
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string name = base::string_at((*list)[i], {unique.key});
    if (!name.empty()) last[name] = i;
  }
  json kept = json::array();
  std::string told;
  for (size_t i = 0; i < list->size(); ++i) {
    const json& element = (*list)[i];
    const std::string name = base::string_at(element, {unique.key});
    const bool counts = name.empty() || last[name] == i ||
                        (unique.list == kEnv && is_referred_to(*list, i, last[name], name));
    if (counts) {
      kept.push_back(element);
    } else if (is_told(element, (*list)[last[name]], name) && told != name) {
      told = name;
      warnings.push_back(std::string(role) + ": of several " + unique.what + " " + name +
                         " the last one counts");
    }
  }
  *list = std::move(kept);
}

}  // namespace

void merge_duplicates(json& pod, std::string_view role, std::vector<std::string>& warnings) {
  json& spec = pod["spec"];
  keep_last(spec, kVolumes, role, warnings);
  for (const char* containers : {"initContainers", "containers"}) {
    const auto list = spec.find(containers);
    if (list == spec.end() || !list->is_array()) continue;
    for (json& container : *list) {
      if (!container.is_object()) continue;
      for (const Unique& unique : kOfContainer)
        keep_last(container, unique, role, warnings);
    }
  }
}

}  // namespace runner::submission
