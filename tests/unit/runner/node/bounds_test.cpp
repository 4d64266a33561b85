// What the node keeps, and for how long.

#include <fstream>

#include <nlohmann/json.hpp>

#include "runner/node/claims.h"
#include "runner/node/durations.h"
#include "runner/node/pod_index.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"

using namespace std::chrono_literals;
using nlohmann::json;
using runner::node::Claims;
namespace fs = std::filesystem;

namespace {

constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

struct ClaimBed {
  tests::Folder folder;
  tests::FakeClock clock{kStart};
  tests::MemoryApi api{clock};
  std::unique_ptr<runner::node::Trash> trash =
      runner::node::Trash::open(folder.path() / "trash").value();
  fs::path claims_folder = folder.path() / "claims";
  Claims claims{claims_folder, api, clock, *trash};

  fs::path add(const std::string& name, const std::string& uid) {
    const fs::path path = claims_folder / ("default_" + name + "_" + uid);
    fs::create_directories(path);
    std::ofstream(path / "data") << "precious";
    return path;
  }
  void sweep_for(std::chrono::minutes time, const std::set<kube::ObjectKey>& used = {}) {
    for (std::chrono::minutes passed{0}; passed <= time; passed += Claims::kEvery) {
      claims.sweep(used);
      clock.advance(Claims::kEvery);
    }
  }
};

}  // namespace

TEST_CASE("a claim's folder goes an hour after its claim, not before, and not while it is used") {
  ClaimBed bed;
  const json claim = bed.api
                         .create(kube::persistent_volume_claims(),
                                 {{"metadata", {{"name", "kept"}, {"namespace", "default"}}}})
                         .value();
  const fs::path kept = bed.add("kept", kube::uid_of(claim));
  const fs::path namesake = bed.add("kept", "an-earlier-uid");
  const fs::path gone = bed.add("gone", "u1");
  const fs::path used = bed.add("used", "u2");
  const fs::path foreign = bed.claims_folder / "notes";
  fs::create_directories(foreign);
  const std::set<kube::ObjectKey> in_use = {{"default", "used"}};
  bed.sweep_for(50min, in_use);
  CHECK(fs::exists(gone));
  CHECK(fs::exists(namesake));
  bed.sweep_for(30min, in_use);
  CHECK_FALSE(fs::exists(gone));
  CHECK_FALSE(fs::exists(namesake));
  CHECK(fs::exists(kept / "data"));
  CHECK(fs::exists(used / "data"));
  CHECK(fs::exists(foreign));
  bed.sweep_for(90min);
  CHECK_FALSE(fs::exists(used));
}

TEST_CASE("an API that does not answer proves no claim gone, and one that has it again saves it") {
  ClaimBed bed;
  const fs::path folder = bed.add("c", "u1");
  bed.api.fail_all(base::Error{.code = base::Code::Unavailable, .message = "down"});
  bed.sweep_for(300min);
  CHECK(fs::exists(folder));
  bed.api.fail_all(std::nullopt);
  bed.sweep_for(40min);
  const json claim = bed.api
                         .create(kube::persistent_volume_claims(),
                                 {{"metadata", {{"name", "c"}, {"namespace", "default"}}}})
                         .value();
  const fs::path back = bed.claims_folder / ("default_c_" + kube::uid_of(claim));
  fs::rename(folder, back);
  bed.sweep_for(300min);
  CHECK(fs::exists(back / "data"));
}

TEST_CASE("seconds that people write can be added to any clock") {
  CHECK(runner::node::bounded_seconds(-5) == 0s);
  CHECK(runner::node::bounded_seconds(INT64_MIN) == 0s);
  CHECK(runner::node::bounded_seconds(INT64_MAX) == runner::node::kLongestTime);
  CHECK(runner::node::bounded_seconds(30) == 30s);
  const base::WallTime late = kStart + runner::node::bounded_seconds(10'000'000'000'000'000);
  CHECK(late > kStart + std::chrono::years(50));
}

TEST_CASE("a new copy of a pod in the same version is no change") {
  runner::node::PodIndex index("here");
  const auto pod = [](const char* version) {
    return std::make_shared<const json>(
        json{{"metadata", {{"uid", "a"}, {"resourceVersion", version}}}});
  };
  const auto first = pod("1");
  index.put("a", first);
  CHECK(index.replace({pod("1")}).empty());
  CHECK(index.find("a") == first);
  CHECK(index.replace({pod("2")}) == std::vector<std::string>{"a"});
}

TEST_CASE("the index is changed one by one and compared with the whole") {
  runner::node::PodIndex index("here");
  const auto pod = [](const char* uid, const char* node, const char* phase) {
    return std::make_shared<const json>(json{{"metadata", {{"uid", uid}}},
                                             {"spec", {{"nodeName", node}}},
                                             {"status", {{"phase", phase}}}});
  };
  index.put("a", pod("a", "", "Pending"));
  index.put("b", pod("b", "here", "Running"));
  index.put("c", pod("c", "there", "Running"));
  index.put("d", pod("d", "here", "Succeeded"));
  CHECK(index.unbound() == std::set<std::string>{"a"});
  CHECK(index.ours() == std::set<std::string>{"b"});
  index.put("a", pod("a", "here", "Pending"));
  CHECK(index.unbound().empty());
  CHECK(index.ours() == std::set<std::string>{"a", "b"});
  const auto same = index.find("a");
  CHECK(index.replace({same, pod("e", "", "")}) == std::vector<std::string>{"b", "c", "d", "e"});
  CHECK(index.size() == 2);
  CHECK(index.ours() == std::set<std::string>{"a"});
  CHECK(index.unbound() == std::set<std::string>{"e"});
  CHECK(index.replace({same, index.find("e")}).empty());
}
