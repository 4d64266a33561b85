#include "kube/store.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using kube::Json;
using kube::ObjectKey;
using kube::Store;

Json object(const std::string& ns, const std::string& name, const std::string& version,
            const std::vector<std::string>& owners = {}) {
  Json made = {{"metadata",
                {{"namespace", ns},
                 {"name", name},
                 {"uid", "u-" + name},
                 {"resourceVersion", version},
                 {"managedFields", Json::array({{{"manager", "m"}}})}}}};
  for (const std::string& owner : owners)
    made["metadata"]["ownerReferences"].push_back({{"uid", owner}});
  return made;
}

std::shared_ptr<const Json> shared(Json value) {
  return std::make_shared<const Json>(std::move(value));
}

std::string names(const std::vector<Store::Object>& objects) {
  std::string all;
  for (const auto& one : objects)
    all += kube::key_of(*one).to_string() + " ";
  return all;
}

TEST_CASE("what nobody asks for is not kept, whether it was listed or watched") {
  Store store;
  store.trim_with([](Json& pod) { pod.erase("spec"); });
  Json listed = object("n", "a", "1");
  listed["spec"] = {{"nodeName", "x"}};
  Json watched = object("n", "b", "2");
  watched["spec"] = {{"nodeName", "x"}};
  store.replace({listed});
  store.apply(shared(watched));
  for (const auto& one : store.list("")) {
    CHECK_FALSE(one->contains("spec"));
    CHECK_FALSE(one->at("metadata").contains("managedFields"));
    CHECK(kube::uid_of(*one) != "");
  }
  CHECK(store.size() == 2);
}

TEST_CASE("a store answers by name, namespace and owner") {
  Store store;
  store.replace(
      {object("b", "x", "1", {"o1"}), object("a", "y", "2", {"o1", "o2"}), object("ab", "z", "3")});
  CHECK(store.size() == 3);
  CHECK(kube::uid_of(*store.get({"a", "y"})) == "u-y");
  CHECK(store.get({"a", "x"}) == nullptr);
  CHECK(names(store.list("")) == "a/y ab/z b/x ");
  CHECK(names(store.list("a")) == "a/y ");
  CHECK(names(store.list("c")).empty());
  CHECK(names(store.owned_by("o1")) == "a/y b/x ");
  CHECK(names(store.owned_by("o2")) == "a/y ");
  CHECK(names(store.owned_by("o3")).empty());

  store.apply(shared(object("a", "y", "4", {"o3"})));
  CHECK(names(store.owned_by("o1")) == "b/x ");
  CHECK(names(store.owned_by("o2")).empty());
  CHECK(names(store.owned_by("o3")) == "a/y ");
  store.remove({"a", "y"});
  CHECK(names(store.owned_by("o3")).empty());
  CHECK(store.size() == 2);
}

TEST_CASE("objects are found by label, indexed or not") {
  const std::string indexed = GENERATE("app", "");
  Store store(indexed);
  const auto labelled = [](const std::string& ns, const std::string& name, const std::string& app) {
    Json made = object(ns, name, app);
    made["metadata"]["labels"] = {{"app", app}};
    return made;
  };
  store.replace({labelled("a", "x", "1"), labelled("a", "y", "2"), labelled("b", "z", "1"),
                 object("a", "bare", "9")});
  CHECK(names(store.labelled("a", "app", "1")) == "a/x ");
  CHECK(names(store.labelled("", "app", "1")) == "a/x b/z ");
  CHECK(names(store.labelled("a", "other", "1")).empty());
  store.apply(shared(labelled("a", "x", "2")));
  CHECK(names(store.labelled("a", "app", "1")).empty());
  CHECK(names(store.labelled("a", "app", "2")) == "a/x a/y ");
  store.remove({"a", "y"});
  CHECK(names(store.labelled("a", "app", "2")) == "a/x ");
}

TEST_CASE("managedFields are dropped however an object comes in") {
  Store store;
  store.replace({object("a", "x", "1")});
  store.apply(shared(object("a", "y", "2")));
  for (const auto& one : store.list(""))
    CHECK_FALSE(one->at("metadata").contains("managedFields"));
}

TEST_CASE("a store says what changed") {
  Store store;
  auto first = store.replace({object("a", "x", "1"), object("a", "y", "1")});
  REQUIRE(first.size() == 2);
  CHECK(first[0].before == nullptr);

  SECTION("a list shows only the differences") {
    const auto deltas =
        store.replace({object("a", "x", "1"), object("a", "z", "5"), object("b", "q", "5")});
    REQUIRE(deltas.size() == 3);
    CHECK(kube::key_of(*deltas[0].before).name == "y");
    CHECK(deltas[0].after == nullptr);
    CHECK(deltas[1].before == nullptr);
    CHECK(kube::key_of(*deltas[1].after).name == "z");
    CHECK(kube::key_of(*deltas[2].after).name == "q");
  }
  SECTION("a namesake is another object even at the same revision") {
    Json other = object("a", "x", "1");
    other["metadata"]["uid"] = "other";
    const auto deltas = store.replace({other, object("a", "y", "1")});
    REQUIRE(deltas.size() == 1);
    CHECK(kube::uid_of(*deltas[0].before) == "u-x");
    CHECK(kube::uid_of(*deltas[0].after) == "other");
  }
  SECTION("apply shows both sides") {
    const auto delta = store.apply(shared(object("a", "x", "2")));
    CHECK(kube::resource_version_of(*delta.before) == "1");
    CHECK(kube::resource_version_of(*delta.after) == "2");
  }
  SECTION("removing what is not there") {
    CHECK(store.remove({"a", "nobody"}).before == nullptr);
  }
}

TEST_CASE("a reader keeps its snapshot") {
  Store store;
  store.replace({object("a", "x", "1")});
  const auto before = store.get({"a", "x"});
  store.apply(shared(object("a", "x", "2")));
  CHECK(kube::resource_version_of(*before) == "1");
}

}  // namespace
