#include "kube/fresh_versions.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/forwarding_api.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::FreshVersions;
using kube::Json;
using kube::ListOptions;
using kube::ObjectKey;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Counts lists, and may refuse them or change what they read before it is told.
class ListingApi final : public kube::ForwardingApi {
 public:
  using ForwardingApi::ForwardingApi;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const ListOptions& options) override {
    asked.push_back(options);
    if (refuses) return base::failure(base::Code::Unavailable, "etcd has no leader");
    auto listed = ForwardingApi::list(type, options);
    if (while_it_lists) while_it_lists();
    return listed;
  }

  std::vector<ListOptions> asked;
  std::function<void()> while_it_lists;
  bool refuses = false;
};

// As many objects as it says, and none that anybody reads.
class SizedCache final : public kube::Cache {
 public:
  std::shared_ptr<const Json> get(const kube::ResourceType&, const ObjectKey&) const override {
    return nullptr;
  }
  std::vector<std::shared_ptr<const Json>> owned_by(const kube::ResourceType&,
                                                    const std::string&) const override {
    return {};
  }
  std::vector<std::shared_ptr<const Json>> list(const kube::ResourceType&,
                                                const std::string&) const override {
    return {};
  }
  std::vector<ObjectKey> keys(const kube::ResourceType&, const std::string&) const override {
    if (while_it_counts) std::exchange(while_it_counts, nullptr)();
    return std::vector<ObjectKey>(size);
  }
  size_t size = 0;
  mutable std::function<void()> while_it_counts;  // once
};

struct World {
  FreshVersions share(size_t few, FreshVersions::Scope scope = FreshVersions::Scope::All) {
    return FreshVersions(api, cache, clock, kube::config_maps(), scope,
                         {.few = few, .waiting = [this](const std::string&) { return waiting; }});
  }
  // Whose callers wait a second for a list that another makes.
  FreshVersions share_patiently() {
    return FreshVersions(api, cache, clock, kube::config_maps(), FreshVersions::Scope::All,
                         {.few = 0, .patience = seconds{1}});
  }
  std::string create(const std::string& ns, const std::string& name) {
    const auto created =
        memory.create(kube::config_maps(), {{"apiVersion", "v1"},
                                            {"kind", "ConfigMap"},
                                            {"metadata", {{"namespace", ns}, {"name", name}}}});
    REQUIRE(created.has_value());
    return kube::resource_version_of(*created);
  }
  std::string change(const std::string& ns, const std::string& name) {
    const auto changed = memory.patch(kube::config_maps(), {ns, name}, kube::PatchType::MergePatch,
                                      {{"data", {{"a", std::to_string(++changes)}}}}, {});
    REQUIRE(changed.has_value());
    return kube::resource_version_of(*changed);
  }
  // So many that are told no.
  void ask_in_vain(FreshVersions& versions, int times) {
    for (int i = 0; i < times; ++i)
      CHECK_FALSE(versions.has({"etl", "nobody"}, "1", clock.steady_now()));
  }

  tests::MemoryApi memory;
  ListingApi api{memory};
  SizedCache cache;
  tests::FakeClock clock;
  int changes = 0;
  size_t waiting = 0;
};

}  // namespace

TEST_CASE("few ask for themselves, many share one list", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(3);
  world.cache.size = 4 * FreshVersions::kObjectsPerGet;
  for (int i = 0; i < 7; ++i)
    CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.empty());

  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  REQUIRE(world.api.asked.size() == 1);
  CHECK(world.api.asked[0].ns.empty());
  CHECK(world.api.asked[0].content == ListOptions::Content::Versions);
}

TEST_CASE("who knows that many will ask lists at once", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(3);
  world.cache.size = 4 * FreshVersions::kObjectsPerGet;
  world.waiting = 6;
  CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.empty());
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.size() == 1);
}

TEST_CASE("who comes while another lists waits for that list", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share_patiently();
  const base::SteadyTime since = world.clock.steady_now();
  std::vector<std::thread> others;
  std::atomic<int> yes = 0;
  world.api.while_it_lists = [&] {
    for (int i = 0; i < 3; ++i)
      others.emplace_back([&] { yes += versions.has({"etl", "a"}, version, since) ? 1 : 0; });
    world.clock.await_waiters(3);
    // A list that began before the moment in question proves nothing of it: nobody waits.
    CHECK_FALSE(versions.has({"etl", "a"}, version, since + seconds{5}));
  };
  CHECK(versions.has({"etl", "a"}, version, since));
  for (std::thread& other : others)
    other.join();
  CHECK(yes == 3);
  CHECK(world.api.asked.size() == 1);
}

TEST_CASE("nobody waits for a list longer than it was told to", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share_patiently();
  const base::SteadyTime since = world.clock.steady_now();
  bool told_yes = true;
  world.api.while_it_lists = [&] {
    std::thread other([&] { told_yes = versions.has({"etl", "a"}, version, since); });
    world.clock.await_waiters(1);
    world.clock.advance(seconds{1});
    other.join();
  };
  CHECK(versions.has({"etl", "a"}, version, since));
  CHECK_FALSE(told_yes);
}

TEST_CASE("what a list of that moment does not show is asked for by itself", "[fresh_versions]") {
  World world;
  const std::string before = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  const base::SteadyTime since = world.clock.steady_now();
  CHECK(versions.has({"etl", "a"}, before, since));
  // Its status was written since; eight hundred others still wait.
  world.waiting = 800;
  const std::string after = world.change("etl", "a");
  CHECK_FALSE(versions.has({"etl", "a"}, after, since));
  CHECK(world.api.asked.size() == 1);
}

TEST_CASE("who waits counts once a second at most", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(3);
  world.waiting = 800;
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  world.clock.advance(milliseconds{10});
  CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.size() == 1);
  world.clock.advance(milliseconds{1001});
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.size() == 2);
}

TEST_CASE("few in each second never list", "[fresh_versions]") {
  World world;
  FreshVersions versions = world.share(3);
  for (int second = 0; second < 20; ++second) {
    world.ask_in_vain(versions, 3);
    world.clock.advance(milliseconds{1001});
  }
  CHECK(world.api.asked.empty());
}

TEST_CASE("a version is believed as of the moment its list began", "[fresh_versions]") {
  World world;
  const std::string before = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  const base::SteadyTime first = world.clock.steady_now();
  // It may have been read at any time while it was listed.
  world.api.while_it_lists = [&] { world.clock.advance(seconds{2}); };
  CHECK(versions.has({"etl", "a"}, before, first));
  CHECK(world.api.asked.size() == 1);
  CHECK(versions.has({"etl", "a"}, before, first));
  CHECK(world.api.asked.size() == 1);

  const std::string after = world.change("etl", "a");
  // Who wants to know how it was a second later is not told from the list that is there.
  CHECK_FALSE(versions.has({"etl", "a"}, before, first + seconds{1}));
  CHECK(world.api.asked.size() == 2);
  CHECK(versions.has({"etl", "a"}, after, first + seconds{1}));
  CHECK(world.api.asked.size() == 2);
}

TEST_CASE("what is not listed in this version is not there", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  const base::SteadyTime now = world.clock.steady_now();
  CHECK(versions.has({"etl", "a"}, version, now));
  CHECK_FALSE(versions.has({"etl", "a"}, version + "0", now));
  CHECK_FALSE(versions.has({"etl", "b"}, version, now));
  CHECK_FALSE(versions.has({"other", "a"}, version, now));
}

TEST_CASE("a namespace's list is its own", "[fresh_versions]") {
  World world;
  const std::string a = world.create("etl", "a");
  const std::string b = world.create("other", "b");
  FreshVersions versions = world.share(0, FreshVersions::Scope::Namespace);
  CHECK(versions.has({"etl", "a"}, a, world.clock.steady_now()));
  CHECK(versions.has({"other", "b"}, b, world.clock.steady_now()));
  REQUIRE(world.api.asked.size() == 2);
  CHECK(world.api.asked[0].ns == "etl");
  CHECK(world.api.asked[1].ns == "other");
}

TEST_CASE("a list that fails is not believed and not tried again at once", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  world.api.refuses = true;
  for (int i = 0; i < 100; ++i)
    CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.size() == 1);

  world.api.refuses = false;
  world.clock.advance(milliseconds{1001});
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
}

TEST_CASE("a list that failed while another counted is not tried again at once",
          "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  world.api.refuses = true;
  world.cache.while_it_counts = [&] {
    CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  };
  CHECK_FALSE(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(world.api.asked.size() == 1);
}

TEST_CASE("while one lists the others wait for nothing", "[fresh_versions]") {
  World world;
  const std::string version = world.create("etl", "a");
  FreshVersions versions = world.share(0);
  int told_no = 0;
  world.api.while_it_lists = [&] {
    if (!versions.has({"etl", "a"}, version, world.clock.steady_now())) ++told_no;
  };
  CHECK(versions.has({"etl", "a"}, version, world.clock.steady_now()));
  CHECK(told_no == 1);
  CHECK(world.api.asked.size() == 1);
}

TEST_CASE("versions that nobody asks for are forgotten after a minute", "[fresh_versions]") {
  World world;
  FreshVersions versions = world.share(0, FreshVersions::Scope::Namespace);
  for (int i = 0; i < 100; ++i) {
    const std::string ns = "team-" + std::to_string(i);
    CHECK(versions.has({ns, "a"}, world.create(ns, "a"), world.clock.steady_now()));
  }
  CHECK(versions.remembers() == 100);
  world.clock.advance(seconds{61});
  world.ask_in_vain(versions, 1);
  CHECK(versions.remembers() == 1);
}
