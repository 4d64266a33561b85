// Namespaces that the controllers look after: named, or found by their labels while they run.

#include "tools/sparkcron/territory.h"

#include <chrono>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/mutex.h"
#include "config/names.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

using kube::Json;

const kube::ResourceType& apps() {
  return config::spark_applications();
}

Json in(const std::string& ns, const std::string& name) {
  return {{"metadata", {{"namespace", ns}, {"name", name}}}};
}

Json space(const std::string& name, const std::string& team) {
  return {{"metadata", {{"name", name}, {"labels", {{"team", team}}}}}};
}

struct Bed {
  explicit Bed(TerritoryOptions options, base::Clock& clock = base::real_clock())
      : territory(api, clock, std::move(options), {{.type = apps()}},
                  {.on_change =
                       [this](const kube::ResourceType&, const kube::PackedObject& object) {
                         base::MutexLock lock(mutex);
                         if (failures > 0) {
                           --failures;
                           throw std::bad_alloc();
                         }
                         ++told[object.key().to_string()];
                       },
                   .on_unreadable = {}}) {
    base::set_log_level(base::LogLevel::Off);
  }
  ~Bed() { territory.stop(); }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  int heard_of(const std::string& key) {
    base::MutexLock lock(mutex);
    return told[key];
  }
  void fail_next() {
    base::MutexLock lock(mutex);
    failures = 1;
  }
  bool has_failed() {
    base::MutexLock lock(mutex);
    return failures == 0;
  }
  bool has(const std::string& ns, const std::string& name) const {
    return territory.cache().get(apps(), {ns, name}) != nullptr;
  }
  void label(const std::string& ns, const std::string& team) {
    Json next = api.get(kube::namespaces(), {"", ns}).value();
    next["metadata"]["labels"]["team"] = team;
    REQUIRE(api.update(kube::namespaces(), next, ""));
  }

  tests::MemoryApi api;
  base::Mutex mutex;
  std::map<std::string, int> told GUARDED_BY(mutex);
  int failures GUARDED_BY(mutex) = 0;  // of the next calls
  Territory territory;
};

TEST_CASE("without a name or a selector every namespace is looked after") {
  Bed bed({});
  REQUIRE(bed.api.create(apps(), in("a", "x")));
  REQUIRE(bed.api.create(apps(), in("b", "y")));
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.territory.ready(); }));
  CHECK(bed.has("a", "x"));
  CHECK(bed.has("b", "y"));
  CHECK(bed.heard_of("a/x") == 1);
  CHECK(bed.territory.namespaces() == std::vector<std::string>{""});
}

TEST_CASE("only the namespaces that are named are looked after") {
  Bed bed({.namespaces = {"a", "c"}});
  for (const char* ns : {"a", "b", "c"})
    REQUIRE(bed.api.create(apps(), in(ns, "x")));
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.territory.ready(); }));
  CHECK(bed.has("a", "x"));
  CHECK(bed.has("c", "x"));
  CHECK_FALSE(bed.has("b", "x"));
  CHECK(bed.heard_of("b/x") == 0);
}

TEST_CASE("an application that was there before its namespace got the label is picked up") {
  Bed bed({.namespaces = {"named"}, .selector = "team=data"});
  REQUIRE(bed.api.create(kube::namespaces(), space("a", "data")));
  REQUIRE(bed.api.create(kube::namespaces(), space("b", "web")));
  for (const char* ns : {"a", "b", "named"})
    REQUIRE(bed.api.create(apps(), in(ns, "early")));
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.territory.ready(); }));
  CHECK(bed.has("a", "early"));
  CHECK(bed.has("named", "early"));
  CHECK_FALSE(bed.has("b", "early"));

  bed.label("b", "data");
  REQUIRE(tests::await([&] { return bed.heard_of("b/early") == 1; }));
  CHECK(bed.has("b", "early"));
  REQUIRE(bed.api.create(apps(), in("b", "late")));
  REQUIRE(tests::await([&] { return bed.heard_of("b/late") == 1; }));
  CHECK(bed.territory.ready());
}

TEST_CASE(
    "a namespace that loses its label is let alone, and nothing there is written or deleted") {
  Bed bed({.selector = "team=data"});
  REQUIRE(bed.api.create(kube::namespaces(), space("a", "data")));
  REQUIRE(bed.api.create(apps(), in("a", "x")));
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.territory.ready(); }));
  REQUIRE(bed.heard_of("a/x") == 1);

  const int updates = bed.api.calls("update");
  bed.label("a", "web");
  // Told once more: whoever remembers it finds it in the cache no longer.
  REQUIRE(tests::await([&] { return bed.heard_of("a/x") == 2; }));
  CHECK_FALSE(bed.has("a", "x"));
  CHECK(bed.territory.namespaces().empty());
  CHECK(bed.api.calls("delete") == 0);
  CHECK(bed.api.calls("update") == updates + 1);  // the label itself
  CHECK_FALSE(bed.api.peek(apps(), {"a", "x"}).is_null());

  // And back.
  bed.label("a", "data");
  REQUIRE(tests::await([&] { return bed.heard_of("a/x") == 3; }));
  CHECK(bed.has("a", "x"));
}

TEST_CASE("a look at the namespaces that fails is repeated after a pause, and all is told") {
  tests::FakeClock clock;
  Bed bed({.selector = "team=data"}, clock);
  REQUIRE(bed.api.create(kube::namespaces(), space("a", "data")));
  for (const char* name : {"x", "y"})
    REQUIRE(bed.api.create(apps(), in("a", name)));
  bed.fail_next();
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.has_failed(); }));
  // Not at once: what fails would be tried without end.
  clock.await_waiters(1);
  CHECK(bed.heard_of("a/x") + bed.heard_of("a/y") == 0);
  CHECK_FALSE(bed.territory.ready());

  REQUIRE(tests::await([&] {
    clock.advance(std::chrono::seconds(1));
    return bed.territory.ready();
  }));
  CHECK(bed.heard_of("a/x") == 1);
  CHECK(bed.heard_of("a/y") == 1);
  CHECK(bed.territory.namespaces() == std::vector<std::string>{"a"});
  REQUIRE(bed.api.create(apps(), in("a", "late")));
  CHECK(tests::await([&] { return bed.heard_of("a/late") == 1; }));
}

TEST_CASE("a namespace that is deleted is let alone") {
  Bed bed({.selector = "team=data"});
  REQUIRE(bed.api.create(kube::namespaces(), space("a", "data")));
  bed.territory.start();
  REQUIRE(tests::await([&] { return bed.territory.namespaces().size() == 1; }));
  REQUIRE(bed.api.remove(kube::namespaces(), {"", "a"}, {}));
  CHECK(tests::await([&] { return bed.territory.namespaces().empty(); }));
  CHECK(bed.territory.ready());
}

}  // namespace
}  // namespace sparkcron
