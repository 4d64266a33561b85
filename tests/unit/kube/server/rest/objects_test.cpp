// Create, read, update, delete, as a client sees them.

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;
using tests::kWidgets;
using tests::widget;

std::string at(const std::string& collection, const std::string& name) {
  return collection + "/" + name;
}

TEST_CASE("the token is asked for before the body is there") {
  InMemoryApi api;
  const base::http::Admit admit = api.server->admit();
  base::http::Request head{.method = "POST",
                           .path = "/api/v1/namespaces/default/configmaps",
                           .query = {},
                           .headers = {},
                           .body = {},
                           .peer = {}};
  const auto refused = admit(head);
  REQUIRE(refused.refusal);
  CHECK(refused.refusal->status == 401);
  CHECK_FALSE(refused.trusted);
  CHECK(json::parse(refused.refusal->body)["reason"] == "Unauthorized");
  head.headers.add("Authorization", "Bearer secret");
  const auto accepted = admit(head);
  CHECK_FALSE(accepted.refusal);
  CHECK(accepted.trusted);
}

TEST_CASE("without the token nobody gets anything but 401") {
  InMemoryApi api;
  for (const char* token : {"", "wrong", "secre", "secret2"}) {
    for (const char* target :
         {"/api", "/version", "/openapi/v3", "/openapi/v2", kConfigMaps, "/nonsense"}) {
      const Answer answer = api.ask({.target = target, .token = token});
      CHECK(answer.status == 401);
      CHECK(answer.body["reason"] == "Unauthorized");
      CHECK(answer.body["kind"] == "Status");
    }
  }
}

TEST_CASE("a created object has what the server adds") {
  InMemoryApi api;
  api.install_widgets();
  const Answer created = api.post(kWidgets, widget("a"));
  REQUIRE(created.status == 201);
  const json& metadata = created.body["metadata"];
  CHECK(metadata["uid"].get<std::string>().size() == 36);
  CHECK(metadata["creationTimestamp"] == "2026-11-21T00:00:00Z");
  CHECK(metadata["generation"] == 1);
  CHECK(metadata["namespace"] == "default");
  CHECK(metadata["managedFields"][0]["manager"] == "test");
  CHECK(created.body["spec"]["policy"] == "Allow");
  CHECK(api.get(at(kWidgets, "a")).text == created.text);
}

TEST_CASE("generation counts changes of the spec only") {
  InMemoryApi api;
  api.install_widgets();
  json object = api.post(kWidgets, widget("a")).body;
  const auto generation = [&] { return api.get(at(kWidgets, "a")).body["metadata"]["generation"]; };
  CHECK(api.merge(at(kWidgets, "a"), {{"metadata", {{"labels", {{"x", "y"}}}}}}).status == 200);
  CHECK(generation() == 1);
  CHECK(api.merge(at(kWidgets, "a/status"), {{"status", {{"state", "Fine"}}}}).status == 200);
  CHECK(generation() == 1);
  CHECK(api.merge(at(kWidgets, "a"), {{"spec", {{"size", 2}}}}).status == 200);
  CHECK(generation() == 2);
}

TEST_CASE("the status subresource and the object keep to themselves") {
  InMemoryApi api;
  api.install_widgets();
  json first = widget("a");
  first["status"] = {{"state", "mine"}};
  CHECK_FALSE(api.post(kWidgets, first).body.contains("status"));
  json object =
      api.merge(at(kWidgets, "a/status"), {{"status", {{"state", "x"}}}, {"spec", {{"size", 9}}}})
          .body;
  CHECK(object["status"]["state"] == "x");
  CHECK(object["spec"]["size"] == 1);
  object["status"]["state"] = "y";
  object["spec"]["size"] = 2;
  object = api.put(at(kWidgets, "a"), object).body;
  CHECK(object["status"]["state"] == "x");
  CHECK(object["spec"]["size"] == 2);
}

TEST_CASE("an update of an old version is a conflict") {
  InMemoryApi api;
  json object = api.post(kConfigMaps, config_map("a")).body;
  object["data"]["x"] = "1";
  CHECK(api.put(at(kConfigMaps, "a"), object).status == 200);
  object["data"]["x"] = "2";
  const Answer refused = api.put(at(kConfigMaps, "a"), object);
  CHECK(refused.status == 409);
  CHECK(refused.body["message"] ==
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please "
        "apply your changes to the latest version and try again");
}

TEST_CASE("a change that changes nothing writes nothing") {
  InMemoryApi api;
  const json before = api.post(kConfigMaps, config_map("a", {{"x", "1"}})).body;
  api.clock.advance(std::chrono::hours(1));
  const Answer same = api.merge(at(kConfigMaps, "a"), {{"data", {{"x", "1"}}}});
  CHECK(same.status == 200);
  CHECK(same.body["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]);
}

TEST_CASE("refusals say what people know") {
  InMemoryApi api;
  api.install_widgets();
  REQUIRE(api.post(kWidgets, widget("taken")).status == 201);
  struct Case {
    const char* what;
    tests::Ask ask;
    int status;
    const char* message;
  };
  const auto post = [](const char* target, json body) {
    return tests::Ask{.method = "POST", .target = target, .body = std::move(body)};
  };
  json elsewhere = widget("a");
  elsewhere["metadata"]["namespace"] = "other";
  json versioned = widget("a");
  versioned["metadata"]["resourceVersion"] = "5";
  json nameless = widget("");
  nameless["metadata"] = json::object();
  json other_kind = widget("a");
  other_kind["kind"] = "Gadget";
  for (const Case& c : {
           Case{"taken", post(kWidgets, widget("taken")), 409,
                "widgets.demo.example.com \"taken\" already exists"},
           Case{"absent",
                {.target = at(kWidgets, "none")},
                404,
                "widgets.demo.example.com \"none\" not found"},
           Case{"no namespace",
                post("/apis/demo.example.com/v1/namespaces/none/widgets", widget("a")), 404,
                "namespaces \"none\" not found"},
           Case{"namespaces differ", post(kWidgets, elsewhere), 400,
                "the namespace of the provided object does not match the namespace sent on the "
                "request"},
           Case{"resourceVersion", post(kWidgets, versioned), 400,
                "resourceVersion should not be set on objects to be created"},
           Case{"no name", post(kWidgets, nameless), 422,
                "Widget.demo.example.com \"\" is invalid: metadata.name: Required value: name or "
                "generateName is required"},
           Case{"kind", post(kWidgets, other_kind), 400,
                "the kind in the data (Gadget) does not match the expected kind (Widget)"},
           Case{"unknown resource",
                {.target = "/apis/demo.example.com/v1/gadgets"},
                404,
                "the server could not find the requested resource"},
           Case{"unknown subresource",
                {.target = at(kWidgets, "taken/scale")},
                404,
                "widgets.demo.example.com \"taken\" not found"},
           Case{"method",
                {.method = "PUT", .target = kWidgets},
                405,
                "the server does not allow this method on the requested resource"},
           Case{"media type",
                {.method = "POST",
                 .target = kWidgets,
                 .body = widget("a"),
                 .content_type = "text/plain"},
                415,
                "the body of the request was in an unknown format"},
           Case{"accept",
                {.target = kWidgets, .accept = "application/xml"},
                406,
                "only the following media types are accepted"},
           Case{"not JSON", {.method = "POST", .target = kWidgets, .raw_body = "{"}, 400, "JSON"},
           Case{"dry run",
                {.method = "POST",
                 .target = std::string(kWidgets) + "?dryRun=Some",
                 .body = widget("a")},
                422,
                "supported values: \"All\""},
       }) {
    DYNAMIC_SECTION(c.what) {
      const Answer answer = api.ask(c.ask);
      CHECK(answer.status == c.status);
      CHECK(answer.body["kind"] == "Status");
      CHECK_THAT(answer.body["message"].get<std::string>(), Catch::Contains(c.message));
    }
  }
}

TEST_CASE("what is too deep, too much or too large is refused and named") {
  InMemoryApi api;
  api.install_widgets();
  REQUIRE(api.post(kConfigMaps, config_map("there")).status == 201);
  struct Case {
    const char* what;
    tests::Ask ask;
    int status;
    const char* message;
  };
  const std::string deep_json = std::string(5000, '[') + std::string(5000, ']');
  const std::string mine = at(kConfigMaps, "there");
  json annotated = config_map("a");
  annotated["metadata"]["annotations"]["much"] = std::string(300'000, 'x');
  json operations = json::array();
  for (int i = 0; i < 10'001; ++i)
    operations.push_back({{"op", "test"}, {"path", "/kind"}, {"value", "ConfigMap"}});
  json doubling = json::array({{{"op", "add"}, {"path", "/data"}, {"value", {{"x", "y"}}}}});
  for (int i = 0; i < 60; ++i)
    doubling.push_back(
        {{"op", "copy"}, {"from", "/data"}, {"path", "/data/x" + std::to_string(i)}});
  for (const Case& c : {
           Case{"deep JSON",
                {.method = "POST",
                 .target = kConfigMaps,
                 .raw_body = R"({"metadata":{"name":"a"},"data":)" + deep_json + "}"},
                400,
                "deep"},
           Case{"deep YAML",
                {.method = "POST",
                 .target = kConfigMaps,
                 .content_type = "application/yaml",
                 .raw_body = "data: " + deep_json},
                400,
                "deep"},
           Case{"a deep merge patch",
                {.method = "PATCH",
                 .target = mine,
                 .content_type = "application/merge-patch+json",
                 .raw_body = R"({"data":)" + deep_json + "}"},
                400,
                "deep"},
           Case{"many operations",
                {.method = "PATCH",
                 .target = mine,
                 .body = operations,
                 .content_type = "application/json-patch+json"},
                413,
                "The allowed maximum operations in a JSON patch is 10000, got 10001"},
           Case{"copies of copies",
                {.method = "PATCH",
                 .target = mine,
                 .body = doubling,
                 .content_type = "application/json-patch+json"},
                413,
                "the JSON patch adds more than 3145728 bytes"},
           Case{"annotations",
                {.method = "POST", .target = kConfigMaps, .body = annotated},
                422,
                "metadata.annotations: Too long"},
           Case{"data",
                {.method = "POST",
                 .target = kConfigMaps,
                 .body = config_map("a", {{"much", std::string(1'100'000, 'x')}})},
                422,
                "Too long"},
           Case{"a selector",
                {.target = std::string(kConfigMaps) + "?labelSelector=a+in+(" +
                           std::string(70'000, 'x') + ")"},
                413,
                ""},
       }) {
    DYNAMIC_SECTION(c.what) {
      const Answer answer = api.ask(c.ask);
      CHECK(answer.status == c.status);
      CHECK_THAT(answer.body["message"].get<std::string>(), Catch::Contains(c.message));
      CHECK_FALSE(api.get(mine).body.contains("data"));
      CHECK(api.get(kConfigMaps).body["items"].size() == 1);
    }
  }
}

TEST_CASE("an object from before its definition became stricter is not frozen") {
  InMemoryApi api;
  api.install_widgets();
  REQUIRE(api.post(kWidgets, widget("old", 7)).status == 201);
  api.limit_widgets_to(1);
  const std::string old = at(kWidgets, "old");
  CHECK(api.merge(old, {{"metadata", {{"labels", {{"a", "b"}}}}}}).status == 200);
  CHECK(api.merge(old, {{"metadata", {{"finalizers", {"example.com/hold"}}}}}).status == 200);
  CHECK(api.merge(old, {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  CHECK(api.merge(old + "/status", {{"status", {{"ready", true}}}}).status == 200);
  CHECK(api.merge(old, {{"spec", {{"size", 8}}}}).status == 422);
  CHECK(api.merge(old, {{"spec", {{"size", 1}}}}).status == 200);
  CHECK(api.merge(old, {{"spec", {{"size", 7}}}}).status == 422);
}

TEST_CASE("what a stricter definition takes out of a stored object is no edit of it") {
  InMemoryApi api;
  api.install_widgets();
  const std::string path =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example.com";
  const auto knows_notes = [&](bool known) {
    json definition = api.get(path).body;
    for (json& version : definition["spec"]["versions"]) {
      json& fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
      fields.erase("note");
      if (known) fields["note"] = {{"type", "string"}};
    }
    REQUIRE(api.put(path, definition).status == 200);
  };
  knows_notes(true);
  json noted = widget("old", 7);
  noted["spec"]["note"] = "kept";
  REQUIRE(api.post(kWidgets, noted).body["spec"]["note"] == "kept");
  knows_notes(false);
  const std::string old = at(kWidgets, "old");
  const Answer labelled = api.merge(old, {{"metadata", {{"labels", {{"a", "b"}}}}}});
  REQUIRE(labelled.status == 200);
  CHECK_FALSE(labelled.body["spec"].contains("note"));
  CHECK(labelled.body["metadata"]["generation"] == 1);
  CHECK(api.merge(old, {{"spec", {{"size", 8}}}}).body["metadata"]["generation"] == 2);
}

TEST_CASE("a field with nothing after it is no field") {
  InMemoryApi api;
  api.install_widgets();
  const json nothing = nullptr;
  json empty = widget("empty");
  empty["status"] = {{"left", nothing}};
  empty["spec"]["size"] = nothing;
  const Answer refused = api.post(kWidgets, empty);
  CHECK(refused.status == 422);
  CHECK(refused.body["message"] ==
        "Widget.demo.example.com \"empty\" is invalid: spec.size: Required value");
  empty["spec"] = nothing;
  CHECK(api.post(kWidgets, empty).status == 201);
  json replaced = api.get(at(kWidgets, "empty")).body;
  CHECK_FALSE(replaced.contains("spec"));
  replaced["spec"] = nothing;
  CHECK(api.put(at(kWidgets, "empty"), replaced).status == 200);
}

TEST_CASE("an apply says what it applies to and is held to it") {
  InMemoryApi api;
  api.install_widgets();
  const auto apply = [&](const json& body) {
    return api.ask({.method = "PATCH",
                    .target = at(kWidgets, "w") + "?fieldManager=me",
                    .body = body,
                    .content_type = "application/apply-patch+yaml"});
  };
  json wanted = widget("w");
  wanted["metadata"]["uid"] = "gone";
  CHECK(apply(wanted).body["message"] ==
        "Operation cannot be fulfilled on widgets.demo.example.com \"w\": uid mismatch: the "
        "provided object specified uid gone, and no existing object was found");
  wanted["metadata"].erase("uid");
  wanted["metadata"]["resourceVersion"] = "1";
  CHECK(apply(wanted).status == 409);
  wanted["metadata"].erase("resourceVersion");
  const Answer created = apply(wanted);
  REQUIRE(created.status == 201);

  struct Case {
    std::string name;
    json patch;  // a merge patch of what is applied
    int status = 0;
    std::string message;
  };
  const std::vector<Case> cases = {
      {.name = "the version that is there",
       .patch = {{"metadata", {{"resourceVersion", created.body["metadata"]["resourceVersion"]}}}},
       .status = 200,
       .message = ""},
      {.name = "the object that is there",
       .patch = {{"metadata", {{"uid", created.body["metadata"]["uid"]}}}},
       .status = 200,
       .message = ""},
      {.name = "another version",
       .patch = {{"metadata", {{"resourceVersion", "1"}}}},
       .status = 409,
       .message = "Operation cannot be fulfilled on widgets.demo.example.com \"w\": the object has "
                  "been modified; please apply your changes to the latest version and try again"},
      {.name = "another object",
       .patch = {{"metadata", {{"uid", "other"}}}},
       .status = 409,
       .message = "Precondition failed: UID in precondition: other"},
      {.name = "without apiVersion",
       .patch = {{"apiVersion", nullptr}},
       .status = 400,
       .message =
           "Incorrect version specified in apply patch. Specified patch version: , expected: "
           "demo.example.com/v1"},
      {.name = "without kind",
       .patch = {{"kind", nullptr}},
       .status = 400,
       .message = "no corresponding type for demo.example.com/v1, Kind="},
      {.name = "a field that no schema knows",
       .patch = {{"spec", {{"colour", "red"}}}},
       .status = 422,
       .message = "failed to create typed patch object (/w; demo.example.com/v1, Kind=Widget): "
                  ".spec.colour: field not declared in schema"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    json body = wanted;
    body.merge_patch(one.patch);
    const Answer answer = apply(body);
    CHECK(answer.status == one.status);
    if (!one.message.empty())
      CHECK(answer.body["message"].get<std::string>().find(one.message) != std::string::npos);
  }
}

TEST_CASE("deleting with preconditions deletes what was meant") {
  InMemoryApi api;
  const json object = api.post(kConfigMaps, config_map("a")).body;
  const Answer refused = api.remove(at(kConfigMaps, "a"), {{"preconditions", {{"uid", "other"}}}});
  CHECK(refused.status == 409);
  CHECK_THAT(refused.body["message"].get<std::string>(),
             Catch::Contains("the UID in the precondition (other) does not match"));
  const Answer removed =
      api.remove(at(kConfigMaps, "a"), {{"preconditions", {{"uid", object["metadata"]["uid"]}}}});
  CHECK(removed.status == 200);
  CHECK(removed.body["status"] == "Success");
  CHECK(api.get(at(kConfigMaps, "a")).status == 404);
}

TEST_CASE("a finalizer holds an object until it is taken away") {
  InMemoryApi api;
  json object = config_map("a");
  object["metadata"]["finalizers"] = {"example.com/hold"};
  REQUIRE(api.post(kConfigMaps, object).status == 201);
  CHECK(api.remove(at(kConfigMaps, "a")).body["metadata"].contains("deletionTimestamp"));
  const Answer added =
      api.merge(at(kConfigMaps, "a"),
                {{"metadata", {{"finalizers", {"example.com/hold", "example.com/more"}}}}});
  CHECK(added.status == 422);
  CHECK_THAT(
      added.body["message"].get<std::string>(),
      Catch::Contains("no new finalizers can be added if the object is being deleted, found new "
                      "finalizers []string{\"example.com/more\"}"));
  CHECK(api.merge(at(kConfigMaps, "a"), {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  CHECK(api.get(at(kConfigMaps, "a")).status == 404);
}

TEST_CASE("a dry run answers and stores nothing") {
  InMemoryApi api;
  const std::string dry = std::string(kConfigMaps) + "?dryRun=All";
  CHECK(api.post(dry, config_map("a")).status == 201);
  CHECK(api.get(at(kConfigMaps, "a")).status == 404);
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  CHECK(api.post(dry, config_map("a")).status == 409);
  CHECK(
      api.merge(at(kConfigMaps, "a") + "?dryRun=All", {{"data", {{"x", "1"}}}}).body["data"]["x"] ==
      "1");
  CHECK_FALSE(api.get(at(kConfigMaps, "a")).body.contains("data"));
  CHECK(api.remove(at(kConfigMaps, "a") + "?dryRun=All").status == 200);
  CHECK(api.get(at(kConfigMaps, "a")).status == 200);
}

TEST_CASE("unknown fields are refused, warned of or ignored as the client asks") {
  InMemoryApi api;
  api.install_widgets();
  json object = widget("a");
  object["spec"]["colour"] = "red";
  const std::string target = kWidgets;
  const Answer strict = api.post(target + "?fieldValidation=Strict", object);
  CHECK(strict.status == 400);
  CHECK_THAT(strict.body["message"].get<std::string>(),
             Catch::Contains("unknown field \"spec.colour\""));
  const Answer warned = api.post(target + "?fieldValidation=Warn", object);
  CHECK(warned.status == 201);
  CHECK_THAT(std::string(warned.headers.get("Warning")), Catch::Contains("spec.colour"));
  object["metadata"]["name"] = "b";
  const Answer ignored = api.post(target + "?fieldValidation=Ignore", object);
  CHECK(ignored.status == 201);
  CHECK_FALSE(ignored.headers.has("Warning"));
  CHECK_FALSE(ignored.body["spec"].contains("colour"));
}

TEST_CASE("a fresh server has its namespaces and their service accounts") {
  InMemoryApi api;
  CHECK(api.get("/api/v1/namespaces/default").body["status"]["phase"] == "Active");
  CHECK(api.get("/api/v1/namespaces/kube-system").status == 200);
  CHECK(api.get("/api/v1/namespaces/default/serviceaccounts/default").status == 200);
}

TEST_CASE("what was acknowledged is there after a restart, custom resources too") {
  const tests::TemporaryFolder folder;
  std::string before;
  {
    InMemoryApi api(folder.file("state.db"));
    api.install_widgets();
    before = api.post(kWidgets, widget("a")).text;
  }
  InMemoryApi api(folder.file("state.db"));
  CHECK(api.get(at(kWidgets, "a")).text == before);
  CHECK(api.get(std::string(kWidgets) + "?fieldSelector=spec.policy=Allow").body["items"].size() ==
        1);
}

}  // namespace
