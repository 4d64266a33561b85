#include "runner/node/placement.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/json.h"
#include "base/saturating.h"
#include "config/quantity.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

constexpr const char* kNone = "0/1 nodes are available: 1 ";

base::Result<Resources> requests_of_container(const Json& container) {
  Resources total;
  for (const char* name : {"cpu", "memory"}) {
    std::string kind = "requests";
    const auto text_of = [&](const std::string& part) -> std::string {
      const Json* value = base::find(container, {"resources", part, name});
      if (value == nullptr || value->is_null()) return {};
      return value->is_string() ? value->get<std::string>() : value->dump();
    };
    std::string text = text_of(kind);
    // A limit without a request is a request, too.
    if (text.empty()) text = text_of(kind = "limits");
    if (text.empty()) continue;
    const bool cpu = std::string_view(name) == "cpu";
    const auto amount = cpu ? config::parse_milli(text) : config::parse_whole(text);
    if (!amount)
      return base::failure(amount.error().with_context("container \"" +
                                                       base::string_at(container, {"name"}) +
                                                       "\": resources." + kind + "." + name));
    (cpu ? total.milli_cpu : total.memory_bytes) = *amount;
  }
  return total;
}

Resources sum_of(const Resources& a, const Resources& b) {
  return {.milli_cpu = base::saturating_add(a.milli_cpu, b.milli_cpu),
          .memory_bytes = base::saturating_add(a.memory_bytes, b.memory_bytes)};
}

struct Room {
  const Capacity& capacity;
  Resources used;
  int pods = 0;

  [[nodiscard]] std::string shortage(const Resources& wanted) const {
    std::string message;
    const auto add = [&message](const char* what) {
      message += (message.empty() ? kNone : std::string(", 1 ")) + what;
    };
    if (capacity.milli_cpu &&
        base::saturating_add(used.milli_cpu, wanted.milli_cpu) > *capacity.milli_cpu)
      add("Insufficient cpu");
    if (base::saturating_add(used.memory_bytes, wanted.memory_bytes) > capacity.memory_bytes)
      add("Insufficient memory");
    if (pods + 1 > capacity.pods) add("Too many pods");
    return message.empty() ? message : message + ".";
  }
  void take(const Resources& wanted) {
    used = sum_of(used, wanted);
    ++pods;
  }
};

bool matches(const Json& expression, const Json& labels) {
  const std::string operation = base::string_at(expression, {"operator"});
  const Json* label = base::find(labels, {base::string_at(expression, {"key"})});
  if (operation == "Exists") return label != nullptr;
  if (operation == "DoesNotExist") return label == nullptr;
  const std::string value = label != nullptr && label->is_string() ? label->get<std::string>() : "";
  const Json* values = base::find(expression, {"values"});
  if (values == nullptr || !values->is_array()) return false;
  const bool listed =
      label != nullptr && std::find(values->begin(), values->end(), Json(value)) != values->end();
  if (operation == "In") return listed;
  if (operation == "NotIn") return !listed;
  // Gt, Lt: whole numbers.
  const auto number = [](const std::string& text, int64_t& result) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), result);
    return problem == std::errc() && end == text.data() + text.size();
  };
  int64_t left = 0;
  int64_t right = 0;
  if (values->size() != 1 || !(*values)[0].is_string() || !number(value, left) ||
      !number((*values)[0].get<std::string>(), right))
    return false;
  return operation == "Gt" ? left > right : operation == "Lt" && left < right;
}

}  // namespace

Capacity default_capacity() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  return {.milli_cpu = std::nullopt, .memory_bytes = pages * page / 10 * 8, .pods = 64};
}

base::Result<Resources> requests_of(const Json& pod) {
  Resources sum;
  Resources largest_init;
  for (const char* kind : {"initContainers", "containers"}) {
    const Json* containers = base::find(pod, {"spec", kind});
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      ASSIGN_OR_RETURN(const Resources one, requests_of_container(container));
      const bool stays = std::string_view(kind) == "containers" ||
                         base::string_at(container, {"restartPolicy"}) == "Always";
      if (stays) {
        sum = sum_of(sum, one);
      } else {
        largest_init.milli_cpu = std::max(largest_init.milli_cpu, one.milli_cpu);
        largest_init.memory_bytes = std::max(largest_init.memory_bytes, one.memory_bytes);
      }
    }
  }
  return Resources{.milli_cpu = std::max(sum.milli_cpu, largest_init.milli_cpu),
                   .memory_bytes = std::max(sum.memory_bytes, largest_init.memory_bytes)};
}

Placement place(const Capacity& capacity, const std::vector<Resources>& running,
                std::vector<WaitingPod> waiting, base::WallTime now) {
  Room room{.capacity = capacity, .used = {}};
  for (const Resources& pod : running)
    room.take(pod);
  std::sort(waiting.begin(), waiting.end(), [](const WaitingPod& a, const WaitingPod& b) {
    return std::tuple(!a.owner_runs, a.created, a.uid) <
           std::tuple(!b.owner_runs, b.created, b.uid);
  });
  Placement placement;
  const WaitingPod* kept_for = nullptr;
  const Room empty{.capacity = capacity, .used = {}};
  for (const WaitingPod& pod : waiting) {
    std::string message = room.shortage(pod.requests);
    if (message.empty() && kept_for != nullptr)
      message = kNone + ("node(s) kept free for pod " + kept_for->name) + ", which waits longer.";
    if (message.empty()) {
      room.take(pod.requests);
      placement.start.push_back(pod.uid);
      continue;
    }
    placement.waiting.push_back({.uid = pod.uid, .message = std::move(message)});
    const bool could_ever = empty.shortage(pod.requests).empty();
    if (kept_for == nullptr && could_ever && now - pod.created >= kPatience) kept_for = &pod;
  }
  return placement;
}

bool asks_for_labels(const Json& pod) {
  return base::find(pod, {"spec", "nodeSelector"}) != nullptr ||
         base::find(pod, {"spec", "affinity", "nodeAffinity"}) != nullptr;
}

std::string unmatched_selector(const Json& pod, const Json& node_labels) {
  const std::string message =
      std::string(kNone) + "node(s) didn't match Pod's node affinity/selector.";
  const Json* selector = base::find(pod, {"spec", "nodeSelector"});
  if (selector != nullptr && selector->is_object())
    for (const auto& [key, value] : selector->items())
      if (!value.is_string() || base::string_at(node_labels, {key}) != value.get<std::string>())
        return message;
  const Json* terms =
      base::find(pod, {"spec", "affinity", "nodeAffinity",
                       "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"});
  if (terms == nullptr || !terms->is_array()) return {};
  // One term must hold, and in it every expression.
  const bool any = std::any_of(terms->begin(), terms->end(), [&](const Json& term) {
    const Json* expressions = base::find(term, {"matchExpressions"});
    if (expressions == nullptr || !expressions->is_array() || expressions->empty()) return false;
    return std::all_of(expressions->begin(), expressions->end(),
                       [&](const Json& expression) { return matches(expression, node_labels); });
  });
  return any ? std::string() : message;
}

}  // namespace runner::node
