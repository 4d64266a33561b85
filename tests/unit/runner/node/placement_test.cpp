#include "runner/node/placement.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace std::chrono_literals;
using nlohmann::json;
using runner::node::Capacity;
using runner::node::place;
using runner::node::Placement;
using runner::node::Resources;
using runner::node::WaitingPod;

namespace {

constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

WaitingPod waiting(const std::string& uid, Resources requests, std::chrono::seconds after = 0s,
                   bool owner_runs = false) {
  return {.uid = uid,
          .name = "default/" + uid,
          .requests = requests,
          .created = kStart + after,
          .owner_runs = owner_runs};
}

json container(const char* cpu, const char* memory) {
  return {{"name", "c"}, {"resources", {{"requests", {{"cpu", cpu}, {"memory", memory}}}}}};
}

std::string message_of(const Placement& placement, const std::string& uid) {
  for (const auto& refused : placement.waiting)
    if (refused.uid == uid) return refused.message;
  return {};
}

}  // namespace

TEST_CASE("requests are what Kubernetes counts") {
  struct Case {
    std::string name;
    json spec;
    int64_t milli_cpu;
    int64_t memory;
  };
  const Case cases[] = {
      {.name = "sum",
       .spec = {{"containers", {container("500m", "1Gi"), container("1", "512Mi")}}},
       .milli_cpu = 1500,
       .memory = int64_t{1536} << 20},
      {.name = "a larger init container",
       .spec = {{"initContainers", {container("3", "1Mi")}},
                {"containers", {container("1", "2Mi")}}},
       .milli_cpu = 3000,
       .memory = int64_t{2} << 20},
      {.name = "limits alone are requests",
       .spec = {{"containers", {{{"resources", {{"limits", {{"memory", "100M"}}}}}}}}},
       .milli_cpu = 0,
       .memory = 100'000'000},
      {.name = "nothing asked",
       .spec = {{"containers", {{{"name", "c"}}}}},
       .milli_cpu = 0,
       .memory = 0},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto requests = runner::node::requests_of({{"spec", c.spec}});
      REQUIRE(requests.has_value());
      CHECK(requests->milli_cpu == c.milli_cpu);
      CHECK(requests->memory_bytes == c.memory);
    }
  }
  const auto wrong =
      runner::node::requests_of({{"spec", {{"containers", {container("1,5", "1Gi")}}}}});
  REQUIRE_FALSE(wrong.has_value());
  CHECK(
      wrong.error().message ==
      "container \"c\": resources.requests.cpu: \"1,5\" is not a quantity such as 500m, 2 or 16Gi");
}

TEST_CASE("resource sums do not wrap: twice 9E of memory does not fit 4 GiB") {
  const auto requests = runner::node::requests_of(
      {{"spec", {{"containers", {container("9E", "9E"), container("9E", "9E")}}}}});
  REQUIRE(requests.has_value());
  const Capacity capacity{.milli_cpu = 2000, .memory_bytes = int64_t{4} << 30, .pods = 64};
  CHECK(message_of(place(capacity, {}, {waiting("a", *requests)}, kStart), "a") ==
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.");
  // Nor does what runs together with what waits.
  CHECK(message_of(place(capacity, {*requests, *requests}, {waiting("a", {1, 1})}, kStart), "a") ==
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.");
}

TEST_CASE("what is short is named as the scheduler of a cluster names it") {
  const Capacity capacity{.milli_cpu = 2000, .memory_bytes = 1000, .pods = 1};
  CHECK(message_of(place(capacity, {}, {waiting("a", {3000, 1})}, kStart), "a") ==
        "0/1 nodes are available: 1 Insufficient cpu.");
  CHECK(message_of(place(capacity, {}, {waiting("a", {3000, 1001})}, kStart), "a") ==
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.");
  CHECK(message_of(place(capacity, {{1, 1}}, {waiting("a", {1, 1})}, kStart), "a") ==
        "0/1 nodes are available: 1 Too many pods.");
  const Capacity unbounded{.memory_bytes = 1000, .pods = 9};
  CHECK(place(unbounded, {}, {waiting("a", {99'000, 1})}, kStart).start.size() == 1);
}

TEST_CASE("a large pod is overtaken for a while and then no longer") {
  const Capacity capacity{.memory_bytes = 100, .pods = 9};
  const std::vector<Resources> running = {{0, 60}};
  const std::vector<WaitingPod> queue = {waiting("large", {0, 80}), waiting("small", {0, 10}, 1s)};
  CHECK(place(capacity, running, queue, kStart + 5s).start == std::vector<std::string>{"small"});
  const Placement later = place(capacity, running, queue, kStart + runner::node::kPatience);
  CHECK(later.start.empty());
  CHECK(message_of(later, "small") ==
        "0/1 nodes are available: 1 node(s) kept free for pod default/large, which waits longer.");
  CHECK(place(capacity, {}, queue, kStart + 90s).start.front() == "large");
}

TEST_CASE("a pod larger than the node keeps nobody waiting") {
  const Capacity capacity{.memory_bytes = 100, .pods = 9};
  const Placement placement =
      place(capacity, {}, {waiting("never", {0, 101}), waiting("small", {0, 10}, 1s)}, kStart + 1h);
  CHECK(placement.start == std::vector<std::string>{"small"});
}

TEST_CASE("executors of a running driver go before new drivers, even before one that waits long") {
  const Capacity capacity{.memory_bytes = 100, .pods = 9};
  const Placement placement =
      place(capacity, {{0, 50}},
            {waiting("driver", {0, 60}), waiting("executor", {0, 40}, 30s, true)}, kStart + 1h);
  CHECK(placement.start == std::vector<std::string>{"executor"});
}

TEST_CASE("law: never more than there is, and every pod that fits the node starts in the end") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const Capacity capacity{.milli_cpu = 1000 + random() % 4000,
                            .memory_bytes = 100,
                            .pods = 1 + static_cast<int>(random() % 5)};
    struct Running {
      Resources requests;
      base::WallTime ends;
    };
    std::map<std::string, Running> running;
    std::vector<WaitingPod> queue;
    std::set<std::string> started;
    int created = 0;
    base::WallTime now = kStart;
    for (int step = 0; step < 400; ++step, now += 10s) {
      std::erase_if(running, [&](const auto& entry) { return entry.second.ends <= now; });
      // New ones come for a while; after that the queue must run empty.
      if (step < 200 && random() % 2 == 0) {
        WaitingPod pod =
            waiting("p" + std::to_string(created++),
                    {static_cast<int64_t>(random() % 1000), static_cast<int64_t>(random() % 101)});
        pod.created = now;
        queue.push_back(pod);
      }
      std::vector<Resources> used;
      for (const auto& [uid, pod] : running)
        used.push_back(pod.requests);
      const Placement placement = place(capacity, used, queue, now);
      REQUIRE(placement.start.size() + placement.waiting.size() == queue.size());
      for (const std::string& uid : placement.start) {
        const auto pod = std::find_if(queue.begin(), queue.end(),
                                      [&](const WaitingPod& one) { return one.uid == uid; });
        running[uid] = {.requests = pod->requests, .ends = now + (random() % 4 + 1) * 10s};
        started.insert(uid);
        queue.erase(pod);
      }
      int64_t cpu = 0;
      int64_t memory = 0;
      for (const auto& [uid, pod] : running) {
        cpu += pod.requests.milli_cpu;
        memory += pod.requests.memory_bytes;
      }
      REQUIRE(cpu <= *capacity.milli_cpu);
      REQUIRE(memory <= capacity.memory_bytes);
      REQUIRE(running.size() <= static_cast<size_t>(capacity.pods));
    }
    REQUIRE(queue.empty());
    REQUIRE(started.size() == static_cast<size_t>(created));
  }
}

TEST_CASE("node selectors and required affinity must match") {
  const json labels = {{"kubernetes.io/os", "linux"}, {"cores", "8"}};
  const auto affinity = [](const json& expressions) {
    return json{{"spec",
                 {{"affinity",
                   {{"nodeAffinity",
                     {{"requiredDuringSchedulingIgnoredDuringExecution",
                       {{"nodeSelectorTerms", {{{"matchExpressions", expressions}}}}}}}}}}}}};
  };
  using runner::node::unmatched_selector;
  CHECK(unmatched_selector({{"spec", {{"nodeSelector", {{"kubernetes.io/os", "linux"}}}}}}, labels)
            .empty());
  CHECK(unmatched_selector({{"spec", {{"nodeSelector", {{"disk", "ssd"}}}}}}, labels) ==
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
  const auto expression = [](const char* key, const char* operation, json values) {
    return json::array({{{"key", key}, {"operator", operation}, {"values", std::move(values)}}});
  };
  CHECK(unmatched_selector(affinity(expression("cores", "Gt", {"4"})), labels).empty());
  CHECK_FALSE(unmatched_selector(affinity(expression("cores", "Lt", {"4"})), labels).empty());
  CHECK(unmatched_selector(affinity(expression("gpu", "DoesNotExist", json::array())), labels)
            .empty());
  CHECK_FALSE(
      unmatched_selector(affinity(expression("kubernetes.io/os", "NotIn", {"linux"})), labels)
          .empty());
}
