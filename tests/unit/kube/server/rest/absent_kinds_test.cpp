// Kinds that nothing here runs: listed, always empty, and refused with what to do instead.

#include "kube/server/types/absent_kinds.h"

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::InMemoryApi;

TEST_CASE("what nothing here runs can be listed, and is refused with the next step") {
  InMemoryApi api;
  for (const auto& kind : kube::server::types::absent_kinds()) {
    DYNAMIC_SECTION(kind.type.kind) {
      const std::string root =
          (kind.type.group.empty() ? "/api/" : "/apis/") + kind.type.api_version();
      const std::string collection = root + "/namespaces/default/" + kind.type.plural;
      const json object = {{"apiVersion", kind.type.api_version()},
                           {"kind", kind.type.kind},
                           {"metadata", {{"name", "a"}}},
                           {"spec", {{"any", "thing"}}}};
      const Answer refused = api.post(collection + "?fieldValidation=Strict", object);
      CHECK(refused.status == 403);
      const std::string name =
          kind.type.plural + (kind.type.group.empty() ? "" : ".") + kind.type.group;
      CHECK(refused.body["message"] == name + " \"a\" is forbidden: " + kind.refusal);
      const Answer applied = api.ask({.method = "PATCH",
                                      .target = collection + "/a?fieldManager=me",
                                      .body = object,
                                      .content_type = "application/apply-patch+yaml"});
      CHECK(applied.status == 403);
      CHECK(applied.body["message"] == refused.body["message"]);

      const Answer list = api.get(collection + "?labelSelector=app=demo");
      CHECK(list.status == 200);
      CHECK(list.body["kind"] == kind.type.kind + "List");
      CHECK(list.body["items"] == json::array());
      CHECK(api.get(root + "/" + kind.type.plural).body["items"] == json::array());
      CHECK(api.get(collection + "/a").status == 404);
      CHECK(api.put(collection + "/a", object).status == 404);
      CHECK(api.remove(collection + "/a").status == 404);
      CHECK(api.remove(collection).status == 200);
    }
  }
}

}  // namespace
