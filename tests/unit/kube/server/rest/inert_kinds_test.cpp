// Kinds that are stored without effect, so that a file or a chart that has them goes through.

#include "kube/server/types/inert_kinds.h"

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::InMemoryApi;

// What a chart would write besides metadata.
json manifest(const std::string& kind) {
  const json rules =
      json::array({{{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"*"}}}});
  const json role = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "r"}};
  const json subjects =
      json::array({{{"kind", "ServiceAccount"}, {"name", "spark"}, {"namespace", "default"}}});
  if (kind == "Role" || kind == "ClusterRole") return {{"rules", rules}};
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding")
    return {{"roleRef", role}, {"subjects", subjects}};
  if (kind == "ResourceQuota") return {{"spec", {{"hard", {{"pods", "10"}}}}}};
  if (kind == "LimitRange") {
    return {{"spec", {{"limits", {{{"type", "Container"}, {"default", {{"cpu", "1"}}}}}}}}};
  }
  if (kind == "PersistentVolume") {
    return {{"spec",
             {{"capacity", {{"storage", "1Gi"}}},
              {"accessModes", {"ReadWriteOnce"}},
              {"hostPath", {{"path", "/data"}}}}}};
  }
  if (kind == "StorageClass") return {{"provisioner", "example.com/disk"}};
  if (kind == "PriorityClass") return {{"value", 1000}};
  if (kind == "PodDisruptionBudget")
    return {{"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"a", "b"}}}}}}}};
  if (kind == "NetworkPolicy")
    return {{"spec", {{"podSelector", json::object()}, {"policyTypes", {"Ingress"}}}}};
  if (kind == "Ingress") {
    return {{"spec",
             {{"rules",
               {{{"host", "spark.example.com"},
                 {"http",
                  {{"paths",
                    {{{"path", "/"},
                      {"pathType", "Prefix"},
                      {"backend",
                       {{"service", {{"name", "ui"}, {"port", {{"number", 80}}}}}}}}}}}}}}}}}};
  }
  return {{"spec", {{"controller", "example.com/ingress"}}}};
}

std::string collection_of(const kube::ResourceType& type) {
  return (type.group.empty() ? "/api/" : "/apis/") + type.api_version() +
         (type.namespaced ? "/namespaces/default/" : "/") + type.plural;
}

TEST_CASE("kinds that only a cluster acts on are stored with a warning instead of no matches") {
  InMemoryApi api;
  for (const auto& kind : kube::server::types::inert_kinds()) {
    DYNAMIC_SECTION(kind.type.kind) {
      const std::string collection = collection_of(kind.type);
      json object = manifest(kind.type.kind);
      object["apiVersion"] = kind.type.api_version();
      object["kind"] = kind.type.kind;
      object["metadata"] = {{"name", "a"}};
      const Answer created = api.post(collection + "?fieldValidation=Strict", object);
      INFO(created.text);
      REQUIRE(created.status == 201);
      CHECK(created.headers.get("Warning") ==
            "299 - \"" + kube::server::types::warning_of(kind) + "\"");
      for (const auto& [member, value] : object.items()) {
        if (member == "spec" || member == "metadata") continue;
        CHECK(created.body[member] == value);
      }
      CHECK(api.get(collection + "/a").status == 200);
      CHECK(api.get(collection).body["items"].size() == 1);
      const Answer table =
          api.ask({.target = collection,
                   .accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"});
      CHECK(table.body["kind"] == "Table");
      CHECK(table.body["rows"][0]["cells"][0] == "a");
      const Answer patched =
          api.merge(collection + "/a", {{"metadata", {{"labels", {{"x", "y"}}}}}});
      CHECK(patched.status == 200);
      CHECK_FALSE(patched.headers.get("Warning").empty());
      object["wrong"] = 1;
      CHECK(api.put(collection + "/a?fieldValidation=Strict", object).status == 400);
      const Answer known =
          api.get((kind.type.group.empty() ? "/api/" : "/apis/") + kind.type.api_version());
      bool listed = false;
      for (const json& one : known.body["resources"])
        listed = listed || one["name"] == kind.type.plural;
      CHECK(listed);
      CHECK(api.remove(collection + "/a").status == 200);
      CHECK(api.get(collection + "/a").status == 404);
    }
  }
}

TEST_CASE("an empty list of a kind without effect stays as it was written") {
  InMemoryApi api;
  struct Case {
    const char* collection;
    json object;
  };
  const std::string role = "rbac.authorization.k8s.io/v1";
  for (const Case& c : {
           Case{"/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                {{"apiVersion", role}, {"kind", "Role"}, {"rules", json::array()}}},
           Case{"/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
                {{"spec",
                  {{"podSelector", json::object()},
                   {"policyTypes", {"Ingress", "Egress"}},
                   {"ingress", json::array()},
                   {"egress", json::array({{{"to", json::array()}}})}}}}},
           Case{"/api/v1/namespaces/default/resourcequotas",
                {{"spec", {{"hard", json::object()}}}}},
       }) {
    INFO(c.collection);
    json object = c.object;
    object["metadata"] = {{"name", "a"}, {"labels", json::object()}};
    REQUIRE(api.post(c.collection, object).status == 201);
    const std::string at = std::string(c.collection) + "/a";
    const json stored = api.get(at).body;
    for (const auto& [member, value] : c.object.items())
      CHECK(stored[member] == value);
    // Of metadata nothing empty is kept, as in every kind.
    CHECK_FALSE(stored["metadata"].contains("labels"));
    // What kubectl would send to make it so a second time changes nothing.
    const json again = api.ask({.method = "PATCH",
                                .target = at,
                                .body = c.object,
                                .content_type = "application/strategic-merge-patch+json"})
                           .body;
    CHECK(again["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]);
  }
  // Absent is what is null.
  CHECK_FALSE(api.post("/apis/rbac.authorization.k8s.io/v1/clusterroles",
                       {{"metadata", {{"name", "b"}}}, {"rules", nullptr}})
                  .body.contains("rules"));
}

TEST_CASE("roles have names with colons, as those of a cluster do") {
  InMemoryApi api;
  const std::string roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  CHECK(api.post(roles, {{"metadata", {{"name", "system:spark:edit"}}}, {"rules", json::array()}})
            .status == 201);
  CHECK(api.get(roles + "/system:spark:edit").status == 200);
}

}  // namespace
