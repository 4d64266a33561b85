#include "kube/store.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using kube::Json;
using kube::ObjectKey;
using kube::Store;

Json object(const std::string& ns, const std::string& name, const std::string& version,
            const std::vector<std::string>& owners = {}) {
  Json made = {
      {"metadata",
       {{"namespace", ns}, {"name", name}, {"uid", "u-" + name}, {"resourceVersion", version}}}};
  for (const std::string& owner : owners)
    made["metadata"]["ownerReferences"].push_back({{"uid", owner}});
  return made;
}

std::shared_ptr<const Json> shared(Json value) {
  return std::make_shared<const Json>(std::move(value));
}

kube::PackedObject packed(Json value) {
  return kube::PackedObject(shared(std::move(value)));
}

Store::Objects listed(const std::vector<Json>& objects) {
  Store::Objects items;
  for (const Json& one : objects)
    items.emplace(kube::key_of(one), packed(one));
  return items;
}

std::string names(const std::vector<Store::Object>& objects) {
  std::string all;
  for (const auto& one : objects)
    all += kube::key_of(*one).to_string() + " ";
  return all;
}

TEST_CASE("a store answers by name, namespace and owner") {
  Store store;
  store.replace(listed({object("b", "x", "1", {"o1"}), object("a", "y", "2", {"o1", "o2"}),
                        object("ab", "z", "3")}));
  CHECK(store.size() == 3);
  CHECK(kube::uid_of(*store.get({"a", "y"})) == "u-y");
  CHECK(store.get({"a", "x"}) == nullptr);
  CHECK(names(store.list("")) == "a/y ab/z b/x ");
  CHECK(names(store.list("a")) == "a/y ");
  CHECK(names(store.list("c")).empty());
  CHECK(names(store.owned_by("o1")) == "a/y b/x ");
  CHECK(names(store.owned_by("o2")) == "a/y ");
  CHECK(names(store.owned_by("o3")).empty());

  store.apply(packed(object("a", "y", "4", {"o3"})));
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
  store.replace(listed({labelled("a", "x", "1"), labelled("a", "y", "2"), labelled("b", "z", "1"),
                        object("a", "bare", "9")}));
  CHECK(names(store.labelled("a", "app", "1")) == "a/x ");
  CHECK(names(store.labelled("", "app", "1")) == "a/x b/z ");
  CHECK(names(store.labelled("a", "other", "1")).empty());
  store.apply(packed(labelled("a", "x", "2")));
  CHECK(names(store.labelled("a", "app", "1")).empty());
  CHECK(names(store.labelled("a", "app", "2")) == "a/x a/y ");
  store.remove({"a", "y"});
  CHECK(names(store.labelled("a", "app", "2")) == "a/x ");
}

TEST_CASE("a store says what changed") {
  Store store;
  auto first = store.replace(listed({object("a", "x", "1"), object("a", "y", "1")}));
  REQUIRE(first.size() == 2);
  CHECK_FALSE(first[0].before);

  SECTION("a list shows only the differences") {
    const auto deltas = store.replace(
        listed({object("a", "x", "1"), object("a", "z", "5"), object("b", "q", "5")}));
    REQUIRE(deltas.size() == 3);
    CHECK(kube::key_of(*deltas[0].before.object()).name == "y");
    CHECK(!deltas[0].after);
    CHECK(!deltas[1].before);
    CHECK(kube::key_of(*deltas[1].after.object()).name == "z");
    CHECK(kube::key_of(*deltas[2].after.object()).name == "q");
  }
  SECTION("a namesake is another object even at the same revision") {
    Json other = object("a", "x", "1");
    other["metadata"]["uid"] = "other";
    const auto deltas = store.replace(listed({other, object("a", "y", "1")}));
    REQUIRE(deltas.size() == 1);
    CHECK(kube::uid_of(*deltas[0].before.object()) == "u-x");
    CHECK(kube::uid_of(*deltas[0].after.object()) == "other");
  }
  SECTION("apply shows both sides") {
    const auto delta = store.apply(packed(object("a", "x", "2")));
    CHECK(kube::resource_version_of(*delta.before.object()) == "1");
    CHECK(kube::resource_version_of(*delta.after.object()) == "2");
  }
  SECTION("removing what is not there") {
    CHECK_FALSE(store.remove({"a", "nobody"}).before);
  }
}

TEST_CASE("a reader keeps its snapshot") {
  Store store;
  store.replace(listed({object("a", "x", "1")}));
  const auto before = store.get({"a", "x"});
  store.apply(packed(object("a", "x", "2")));
  CHECK(kube::resource_version_of(*before) == "1");
}

TEST_CASE("a store keeps the last objects that were asked for as trees, and all others as text") {
  Store store({}, 2);
  store.replace(listed(
      {object("a", "x", "1", {"o1"}), object("a", "y", "1", {"o1"}), object("a", "z", "1")}));
  CHECK(store.trees() == 0);
  const auto x = store.get({"a", "x"});
  CHECK(store.get({"a", "x"}) == x);
  CHECK(store.trees() == 1);

  SECTION("what was not asked for longest makes room") {
    store.apply(packed(object("a", "q", "2")));
    CHECK(store.get({"a", "x"}) == x);
    const auto y = store.get({"a", "y"});
    CHECK(store.trees() == 2);
    CHECK(store.get({"a", "x"}) == x);
    CHECK(kube::uid_of(*store.get({"a", "q"})) == "u-q");  // it was packed
    CHECK(store.get({"a", "y"}) != y);
    CHECK(*store.get({"a", "y"}) == *y);
  }
  SECTION("a walk over all makes no trees") {
    CHECK(names(store.list("")) == "a/x a/y a/z ");
    CHECK(store.keys("a").size() == 3);
    CHECK(store.trees() == 1);
  }
  SECTION("indexes know text as well") {
    CHECK(names(store.owned_by("o1")) == "a/x a/y ");
    store.remove({"a", "x"});
    store.remove({"a", "z"});
    CHECK(store.trees() == 0);
    CHECK(names(store.owned_by("o1")) == "a/y ");
  }
  SECTION("many that are asked for at once push nobody out") {
    Store large({}, 8);
    large.apply(packed(object("a", "hot", "1")));
    for (const char* name : {"1", "2", "3", "4", "5", "6", "7", "8", "9"})
      large.apply(packed(object("b", name, "1", {"o"})));
    const auto hot = large.get({"a", "hot"});
    CHECK(large.owned_by("o").size() == 9);
    CHECK(large.get({"a", "hot"}) == hot);
  }
  SECTION("what comes as text stays so until it is asked for, without managedFields") {
    const auto text = std::make_shared<const std::string>(
        R"({"metadata":{"managedFields":[{"manager":"m"}],"name":"t","namespace":"a"}})");
    store.apply({{.key = {"a", "t"}, .uid = "u-t", .resource_version = "2", .owners = {"o9"}},
                 text,
                 nullptr});
    CHECK(store.trees() == 1);
    CHECK(store.packed("a")[0].text() == text.get());
    CHECK(store.get({"a", "t"})->dump() == R"({"metadata":{"name":"t","namespace":"a"}})");
    CHECK(store.owned_by("o9").size() == 1);
    // Pushed out again it is that text, and no new one.
    (void)store.get({"a", "y"});
    (void)store.get({"a", "z"});
    CHECK(store.packed("a")[0].text() == text.get());
  }
  SECTION("a list makes everything text again") {
    store.replace(listed({object("a", "x", "1", {"o1"}), object("a", "w", "3")}));
    CHECK(store.trees() == 0);
    CHECK(*store.get({"a", "x"}) == *x);
  }
}

}  // namespace
