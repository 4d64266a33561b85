#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "runner/submission/submission.h"

namespace runner::submission {
namespace {

using nlohmann::json;

// A list of the pod and where people may have written its elements.
struct Origins {
  std::string_view list;
  std::array<std::string_view, 2> written;
};
constexpr std::array kOfPod = {
    Origins{"volumes", {"spec.volumes", "spec.driver.template.spec.volumes"}},
    Origins{"containers", {"spec.driver.sidecars", "spec.driver.template.spec.containers"}},
    Origins{"initContainers",
            {"spec.driver.initContainers", "spec.driver.template.spec.initContainers"}},
    Origins{"tolerations", {"spec.driver.tolerations", "spec.driver.template.spec.tolerations"}},
    Origins{"hostAliases", {"spec.driver.hostAliases", "spec.driver.template.spec.hostAliases"}},
};
constexpr std::array kOfContainer = {
    Origins{"env", {"spec.driver.env", ""}},
    Origins{"envFrom", {"spec.driver.envFrom", ""}},
    Origins{"volumeMounts", {"spec.driver.volumeMounts", ""}},
    Origins{"ports", {"spec.driver.ports", ""}},
};
constexpr std::array kFields = {
    std::pair{"spec.securityContext", "spec.driver.podSecurityContext"},
    std::pair{"spec.serviceAccountName", "spec.driver.serviceAccount"},
    std::pair{"spec.affinity", "spec.driver.affinity"},
    std::pair{"spec.dnsConfig", "spec.driver.dnsConfig"},
    std::pair{"spec.nodeSelector", "spec.driver.nodeSelector"},
    std::pair{"spec.priorityClassName", "spec.driver.priorityClassName"},
    std::pair{"spec.schedulerName", "spec.driver.schedulerName"},
    std::pair{"spec.shareProcessNamespace", "spec.driver.shareProcessNamespace"},
    std::pair{"spec.terminationGracePeriodSeconds", "spec.driver.terminationGracePeriodSeconds"},
};
constexpr std::array kContainerFields = {"securityContext", "lifecycle"};

// An API server fills in what is missing, so names say more than equality.
bool same_element(const json& made, const json& written) {
  if (made == written) return true;
  if (!made.is_object() || !written.is_object()) return false;
  const std::string key = made.contains("mountPath") ? "mountPath" : "name";
  const std::string name = base::string_at(made, {key});
  return !name.empty() && name == base::string_at(written, {key});
}

// "spec.driver.env" in the application.
const json* value_at(const json& application, std::string_view path) {
  const json* value = &application;
  while (value != nullptr && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    value = base::find(*value, {path.substr(0, dot)});
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

// "volumes[2]…" → 2, and how long that is.
std::optional<std::pair<size_t, size_t>> index_after(std::string_view text, std::string_view list) {
  if (!text.starts_with(list) || text.size() <= list.size() || text[list.size()] != '[')
    return std::nullopt;
  const std::string_view digits = text.substr(list.size() + 1);
  size_t index = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (problem != std::errc{} || end == digits.data() + digits.size() || *end != ']')
    return std::nullopt;
  const auto length = static_cast<size_t>(end - digits.data());
  return std::pair{index, list.size() + length + 2};
}

struct Replacement {
  std::string path;
  size_t length = 0;  // of what it stands for
};

template <class Table>
std::optional<Replacement> element_path(std::string_view text, const Table& table,
                                        const json& owner, const json& application) {
  for (const Origins& origins : table) {
    const auto found = index_after(text, origins.list);
    if (!found) continue;
    const json* made = base::find(owner, {origins.list});
    if (made == nullptr || !made->is_array() || found->first >= made->size()) return std::nullopt;
    for (const std::string_view path : origins.written) {
      const json* written = path.empty() ? nullptr : value_at(application, path);
      if (written == nullptr || !written->is_array()) continue;
      for (size_t i = 0; i < written->size(); ++i) {
        if (!same_element((*made)[found->first], (*written)[i])) continue;
        return Replacement{std::string(path) + "[" + std::to_string(i) + "]", found->second};
      }
    }
    return std::nullopt;
  }
  return std::nullopt;
}

// `text` begins with "spec.".
std::optional<Replacement> written_path(std::string_view text, const json& pod_spec,
                                        const json& application) {
  constexpr std::string_view kSpec = "spec.";
  for (const auto& [made, written] : kFields)
    if (text.starts_with(made)) return Replacement{written, std::string_view(made).size()};
  const std::string_view rest = text.substr(kSpec.size());
  if (auto whole = element_path(rest, kOfPod, pod_spec, application)) {
    whole->length += kSpec.size();
    return whole;
  }
  const auto container = index_after(rest, "containers");
  const json* containers = base::find(pod_spec, {"containers"});
  if (!container || containers == nullptr || container->first >= containers->size())
    return std::nullopt;
  const json& owner = (*containers)[container->first];
  if (base::string_at(owner, {"name"}) != config::kDriverContainer) return std::nullopt;
  const size_t head = kSpec.size() + container->second + 1;  // "spec.containers[0]."
  if (head >= text.size()) return std::nullopt;
  for (const char* field : kContainerFields) {
    if (text.substr(head).starts_with(field))
      return Replacement{std::string("spec.driver.") + field,
                         head + std::string_view(field).size()};
  }
  auto part = element_path(text.substr(head), kOfContainer, owner, application);
  if (part) part->length += head;
  return part;
}

}  // namespace

std::string with_written_paths(std::string message, const json& pod, const json& application) {
  const json* spec = base::find(pod, {"spec"});
  if (spec == nullptr) return message;
  size_t from = 0;
  while ((from = message.find("spec.", from)) != std::string::npos) {
    const auto replacement =
        written_path(std::string_view(message).substr(from), *spec, application);
    if (!replacement) {
      from += 1;
      continue;
    }
    message.replace(from, replacement->length, replacement->path);
    from += replacement->path.size();
  }
  return message;
}

}  // namespace runner::submission
