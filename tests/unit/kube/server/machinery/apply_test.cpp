#include <algorithm>

#include <nlohmann/json.hpp>

#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/machinery/managed_fields.h"
#include "kube/server/machinery/structural_schema.h"
#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

Json parse(const std::string& text) {
  return Json::parse(text);
}

// A custom kind with every sort of list and map.
const FieldType& schedule_type() {
  static const auto schema = *StructuralSchema::compile(parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "properties": {
      "schedule": {"type": "string"}, "suspend": {"type": "boolean"},
      "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
      "args": {"type": "array", "items": {"type": "string"}},
      "conf": {"type": "object", "additionalProperties": {"type": "string"}},
      "ports": {"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"], "items": {"type": "object",
          "properties": {"port": {"type": "integer"}, "name": {"type": "string"},
                         "protocol": {"type": "string", "default": "TCP"}}}}}},
    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})"),
                                                        {});
  return schema->field_type();
}

Json schedule(const Json& spec) {
  return {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
          {"kind", "ScheduledSparkApplication"},
          {"metadata", {{"name", "x"}, {"namespace", "default"}}},
          {"spec", spec}};
}

ManagerInfo manager(const std::string& name, const std::string& time = "2026-01-01T00:00:00Z") {
  return {.manager = name,
          .api_version = "sparkoperator.k8s.io/v1beta2",
          .subresource = "",
          .time = time,
          .scope = WriteScope::AllButStatus};
}

Outcome<Applied> apply_as(const std::string& name, const Json& live, const Json& spec,
                          bool force = false) {
  return apply(live, schedule(spec), {.manager = manager(name), .force = force}, schedule_type());
}

Json applied(const std::string& name, const Json& live, const Json& spec, bool force = false) {
  const auto result = apply_as(name, live, spec, force);
  REQUIRE(result.has_value());
  return result->object;
}

Json updated(const std::string& name, const Json& live, const Json& spec) {
  Json object = live.is_null() ? schedule(spec) : live;
  object["spec"] = spec;
  return track_update(live, object, manager(name), schedule_type());
}

Json fields_of(const Json& object, const std::string& name) {
  for (const Json& entry : object["metadata"]["managedFields"]) {
    if (entry["manager"] == name) return entry["fieldsV1"];
  }
  return nullptr;
}

}  // namespace

TEST_CASE("an applier owns its leaves, its keyed items and its set members") {
  const Json object = applied("kubectl", nullptr, parse(R"({"schedule": "@hourly",
    "tags": ["a"], "args": ["1", "2"], "conf": {"k": "v"}, "ports": [{"port": 80, "name": "web"}]})"));
  CHECK(object["metadata"]["managedFields"] == parse(R"([{
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "fieldsType": "FieldsV1", "manager": "kubectl",
    "operation": "Apply", "time": "2026-01-01T00:00:00Z",
    "fieldsV1": {"f:spec": {"f:schedule": {}, "f:args": {}, "f:conf": {"f:k": {}},
      "f:tags": {"v:\"a\"": {}},
      "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}}}}])"));
}

TEST_CASE("a conflict names path and manager as kubectl prints them") {
  const Json live =
      updated("kubectl-client-side-apply", nullptr, {{"schedule", "@hourly"}, {"suspend", false}});
  SECTION("one") {
    const auto refused = apply_as("kubectl", live, {{"schedule", "@daily"}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == 409);
    CHECK(refused.error().reason == "Conflict");
    CHECK(refused.error().message ==
          "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using "
          "sparkoperator.k8s.io/v1beta2: .spec.schedule");
    REQUIRE(refused.error().causes.size() == 1);
    CHECK(refused.error().causes[0] ==
          StatusCause{"FieldManagerConflict",
                      "conflict with \"kubectl-client-side-apply\" using "
                      "sparkoperator.k8s.io/v1beta2",
                      ".spec.schedule"});
  }
  SECTION("several") {
    const auto refused = apply_as("kubectl", live, {{"schedule", "@daily"}, {"suspend", true}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message ==
          "Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using "
          "sparkoperator.k8s.io/v1beta2:\n- .spec.schedule\n- .spec.suspend");
  }
  SECTION("force takes the field over") {
    const Json object = applied("kubectl", live, {{"schedule", "@daily"}}, true);
    CHECK(object["spec"] == parse(R"({"schedule": "@daily", "suspend": false})"));
    CHECK(fields_of(object, "kubectl-client-side-apply") ==
          parse(R"({"f:spec": {".": {}, "f:suspend": {}}})"));
    CHECK(fields_of(object, "kubectl") == parse(R"({"f:spec": {"f:schedule": {}}})"));
  }
  SECTION("the same value is shared") {
    const Json object = applied("kubectl", live, {{"schedule", "@hourly"}});
    CHECK(fields_of(object, "kubectl") == parse(R"({"f:spec": {"f:schedule": {}}})"));
    CHECK(fields_of(object, "kubectl-client-side-apply")["f:spec"].contains("f:schedule"));
  }
}

TEST_CASE("what an applier leaves out goes, unless somebody else owns it") {
  const Json first = applied("a", nullptr, parse(R"({"schedule": "@hourly", "suspend": true,
    "tags": ["x", "y"], "conf": {"k": "v"},
    "ports": [{"port": 1}, {"port": 2, "name": "two"}]})"));
  const Json shared = applied("b", first, parse(R"({"suspend": true, "tags": ["y"],
    "ports": [{"port": 2, "name": "two"}]})"));
  const Json object = applied("a", shared, {{"schedule", "@hourly"}});
  CHECK(object["spec"] == parse(R"({"schedule": "@hourly", "suspend": true, "tags": ["y"],
    "ports": [{"port": 2, "name": "two"}]})"));
  CHECK(fields_of(object, "a") == parse(R"({"f:spec": {"f:schedule": {}}})"));
}

TEST_CASE("values that others filled into an applied item go with the item") {
  Json live = applied("a", nullptr, parse(R"({"ports": [{"port": 1}, {"port": 2}]})"));
  live["spec"]["ports"][0]["protocol"] = "TCP";  // a default, owned by nobody
  live["spec"]["ports"][1]["protocol"] = "TCP";
  const Json object = applied("a", live, parse(R"({"ports": [{"port": 2}]})"));
  CHECK(object["spec"] == parse(R"({"ports": [{"port": 2, "protocol": "TCP"}]})"));
}

TEST_CASE("applying twice changes nothing, not even times") {
  const Json spec = parse(R"({"schedule": "@hourly", "tags": ["b", "a"],
    "ports": [{"port": 2}, {"port": 1, "protocol": "UDP"}], "conf": {"k": "v"}, "args": []})");
  const Json once = applied("a", updated("b", nullptr, parse(R"({"ports": [{"port": 1,
    "protocol": "UDP"}, {"port": 3}], "suspend": true, "tags": ["c"]})")),
                            spec);
  const auto twice =
      apply(once, schedule(spec), {.manager = manager("a", "2027-01-01T00:00:00Z"), .force = false},
            schedule_type());
  REQUIRE(twice.has_value());
  CHECK_FALSE(twice->changed);
  CHECK(twice->object == once);
}

TEST_CASE("managers of different fields commute") {
  const std::vector<std::pair<std::string, Json>> specs = {
      {"a", parse(R"({"schedule": "@hourly", "conf": {"a": "1"}})")},
      {"b", parse(R"({"suspend": true, "conf": {"b": "2"}, "ports": [{"port": 1}]})")},
      {"c", parse(R"({"args": ["x"], "tags": ["t"], "conf": {"c": "3"}})")}};
  std::vector<size_t> order = {0, 1, 2};
  const auto run = [&] {
    Json live;
    for (const size_t i : order)
      live = applied(specs[i].first, live, specs[i].second);
    return live;
  };
  const Json expected = run();
  while (std::next_permutation(order.begin(), order.end())) {
    const Json other = run();
    CHECK(other == expected);
  }
}

TEST_CASE("updates take over what they change and nothing else") {
  const Json first = applied("a", nullptr, {{"schedule", "@hourly"}, {"suspend", false}});
  Json changed = first;
  changed["spec"]["suspend"] = true;
  const Json object =
      track_update(first, changed, manager("edit", "2026-02-02T00:00:00Z"), schedule_type());
  CHECK(fields_of(object, "a") == parse(R"({"f:spec": {"f:schedule": {}}})"));
  CHECK(fields_of(object, "edit") == parse(R"({"f:spec": {"f:suspend": {}}})"));
  CHECK(object["metadata"]["managedFields"][1]["time"] == "2026-02-02T00:00:00Z");

  SECTION("an update that changes nothing keeps everything") {
    CHECK(track_update(object, object, manager("other", "2027-01-01T00:00:00Z"), schedule_type()) ==
          object);
  }
  SECTION("leaving managedFields out does not wipe them") {
    Json bare = object;
    bare["metadata"].erase("managedFields");
    CHECK(track_update(object, bare, manager("edit"), schedule_type()) == object);
  }
  SECTION("an emptied manager is dropped") {
    Json emptied = object;
    emptied["spec"].erase("suspend");
    const Json after = track_update(object, emptied, manager("edit"), schedule_type());
    CHECK(fields_of(after, "edit").is_null());
  }
  SECTION("a list of one empty entry clears all") {
    Json reset = object;
    reset["metadata"]["managedFields"] = parse("[{}]");
    const Json after = track_update(object, reset, manager("edit"), schedule_type());
    CHECK_FALSE(after["metadata"].contains("managedFields"));
  }
}

TEST_CASE("status belongs to who writes it there") {
  Json live = applied("a", nullptr, {{"schedule", "@hourly"}});
  Json with_status = live;
  with_status["status"] = {{"state", "Scheduled"}};
  ManagerInfo writer = manager("sparkcron");
  writer.subresource = "status";
  writer.scope = WriteScope::Status;
  const Json object = track_update(live, with_status, writer, schedule_type());
  CHECK(fields_of(object, "sparkcron") == parse(R"({"f:status": {".": {}, "f:state": {}}})"));
  CHECK(object["metadata"]["managedFields"][1]["subresource"] == "status");

  Json wish = schedule({{"schedule", "@hourly"}});
  wish["status"] = {{"state", "Mine"}};
  const auto applied_again =
      apply(object, wish, {.manager = manager("a"), .force = false}, schedule_type());
  REQUIRE(applied_again.has_value());
  CHECK_FALSE(applied_again->changed);
}

TEST_CASE("kubectl's move from client-side to server-side apply works through managedFields") {
  const Json created = updated("kubectl-client-side-apply", nullptr, {{"schedule", "@hourly"}});
  // kubectl renames its own entry by a JSON patch, then applies.
  Json moved = created;
  moved["metadata"]["managedFields"][0]["manager"] = "kubectl";
  moved["metadata"]["managedFields"][0]["operation"] = "Apply";
  const Json migrated = track_update(created, moved, manager("kubectl"), schedule_type());
  CHECK(migrated["metadata"]["managedFields"].size() == 1);
  const Json object = applied("kubectl", migrated, {{"schedule", "@daily"}});
  CHECK(object["spec"] == parse(R"({"schedule": "@daily"})"));
  CHECK(object["metadata"]["managedFields"].size() == 1);
}

TEST_CASE("kubectl's server-side apply takes over what its client side applied") {
  const char* annotation = "kubectl.kubernetes.io/last-applied-configuration";
  const auto client_side = [&](const Json& spec) {
    Json object = schedule(spec);
    object["metadata"]["annotations"] = {{annotation, schedule(spec).dump()}};
    return object;
  };
  const Json live = track_update(nullptr, client_side({{"schedule", "a"}, {"suspend", true}}),
                                 manager("kubectl-create"), schedule_type());

  SECTION("a field that is still as it was applied is no conflict") {
    const auto result = apply_as("kubectl", live, {{"schedule", "b"}});
    REQUIRE(result.has_value());
    CHECK(result->object["spec"] == Json{{"schedule", "b"}, {"suspend", true}});
    CHECK(Json::parse(std::string(result->object["metadata"]["annotations"][annotation])) ==
          schedule({{"schedule", "b"}}));
  }
  SECTION("what somebody changed since is one") {
    Json edited = live;
    edited["spec"]["schedule"] = "c";
    const Json then = track_update(live, edited, manager("editor"), schedule_type());
    const auto result = apply_as("kubectl", then, {{"schedule", "b"}, {"suspend", false}});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message ==
          "Apply failed with 1 conflict: conflict with \"editor\" using "
          "sparkoperator.k8s.io/v1beta2: .spec.schedule");
  }
  SECTION("another manager asks for nothing of that") {
    CHECK_FALSE(apply_as("helm", live, {{"schedule", "b"}}).has_value());
  }
  SECTION("the annotation follows even when nothing else changes, once") {
    const Json first = applied("kubectl", live, {{"schedule", "b"}});
    Json stale = first;
    stale["metadata"]["annotations"][annotation] = schedule({{"schedule", "old"}}).dump();
    const auto second = apply_as("kubectl", stale, {{"schedule", "b"}});
    REQUIRE(second.has_value());
    CHECK(second->changed);
    CHECK(second->object["metadata"]["annotations"] == first["metadata"]["annotations"]);
    CHECK_FALSE(apply_as("kubectl", second->object, {{"schedule", "b"}})->changed);
  }
  SECTION("an annotation that cannot be read forgives nothing") {
    Json broken = live;
    broken["metadata"]["annotations"][annotation] = "{";
    CHECK_FALSE(apply_as("kubectl", broken, {{"schedule", "b"}}).has_value());
  }
}

TEST_CASE("an object without managers belongs to before-first-apply") {
  const Json live = schedule({{"schedule", "@hourly"}, {"suspend", true}});
  const auto refused = apply_as("a", live, {{"schedule", "@daily"}});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("\"before-first-apply\"") != std::string::npos);
  const Json object = applied("a", live, {{"schedule", "@daily"}}, true);
  CHECK(object["spec"] == parse(R"({"schedule": "@daily", "suspend": true})"));
}

TEST_CASE("what cannot be applied says so") {
  Json with_managers = schedule(Json::object());
  with_managers["metadata"]["managedFields"] = Json::array();
  CHECK(apply(nullptr, with_managers, {.manager = manager("a"), .force = false}, schedule_type())
            .error()
            .message == "metadata.managedFields must be nil");
  const auto twice = apply_as("a", nullptr, parse(R"({"ports": [{"port": 1}, {"port": 1}]})"));
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().code == 422);
  CHECK(twice.error().message ==
        "failed to create typed patch object (default/x; sparkoperator.k8s.io/v1beta2, "
        "Kind=ScheduledSparkApplication): .spec.ports: duplicate entries for key "
        "[port=1,protocol=\"TCP\"]");
}

TEST_CASE("an object of which nothing is written down stays so until somebody applies to it") {
  const Json bare = schedule({{"schedule", "0"}});
  const Json edited = updated("editor", bare, {{"schedule", "1"}});
  CHECK_FALSE(edited["metadata"].contains("managedFields"));
  const Json after = applied("me", edited, {{"suspend", true}});
  CHECK(fields_of(after, "before-first-apply")["f:spec"].contains("f:schedule"));
  const Json later = updated("editor", after, {{"schedule", "2"}, {"suspend", true}});
  CHECK(fields_of(later, "editor")["f:spec"].contains("f:schedule"));
}

TEST_CASE("a crowd of updaters is folded") {
  Json live = track_update(nullptr, schedule({{"schedule", "0"}}),
                           manager("m0", "2026-01-01T00:00:00Z"), schedule_type());
  for (int i = 0; i < 30; ++i) {
    Json next = live;
    next["spec"]["conf"]["k" + std::to_string(i)] = "v";
    const std::string time =
        "2026-01-01T00:00:" + std::string(i < 10 ? "0" : "") + std::to_string(i) + "Z";
    live = track_update(live, next, manager("m" + std::to_string(i), time), schedule_type());
  }
  CHECK(live["metadata"]["managedFields"].size() == 10);
  CHECK(fields_of(live, "ancient-changes")["f:spec"]["f:conf"].contains("f:k3"));
}

TEST_CASE("built-in kinds have their own list keys") {
  const FieldType* type = built_in_field_type(kube::pods());
  REQUIRE(type != nullptr);
  const Json pod = parse(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p",
      "finalizers": ["x/y"], "ownerReferences": [{"uid": "u", "kind": "K"}]},
    "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}],
      "volumeMounts": [{"mountPath": "/a", "name": "v"}], "env": [{"name": "A", "value": "1"}]}],
      "tolerations": [{"key": "k"}], "nodeSelector": {"a": "b"}}})");
  const auto set = field_set_of(pod, *type);
  REQUIRE(set.has_value());
  const auto paths = set->paths();
  const auto has = [&](const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  CHECK(has(".spec.containers[name=\"c\"].ports[containerPort=80,protocol=\"TCP\"].containerPort"));
  CHECK(has(".spec.containers[name=\"c\"].volumeMounts[mountPath=\"/a\"].name"));
  CHECK(has(".spec.containers[name=\"c\"].env[name=\"A\"].value"));
  CHECK(has(".spec.tolerations"));
  CHECK(has(".spec.nodeSelector"));
  CHECK(has(".metadata.finalizers[=\"x/y\"]"));
  CHECK(has(".metadata.ownerReferences[uid=\"u\"]"));
}

TEST_CASE("field sets obey the laws of sets and survive their text") {
  const auto set = [](const char* text) { return *FieldSet::from_json(parse(text)); };
  const FieldSet a =
      set(R"({"f:x": {".": {}, "f:y": {}}, "f:l": {"k:{\"n\":1}": {}, "v:\"s\"": {}}})");
  const FieldSet b = set(R"({"f:x": {"f:y": {}, "f:z": {}}, "f:l": {"i:3": {}}})");
  CHECK(a.united(b) == b.united(a));
  CHECK(a.united(a) == a);
  CHECK(a.intersected(b) == b.intersected(a));
  CHECK(a.without(a).empty());
  CHECK(a.without(b).united(a.intersected(b)) == a);
  CHECK(*FieldSet::from_json(a.united(b).to_json()) == a.united(b));
  CHECK(a.paths() == std::vector<std::string>{".x", ".l[n=1]", ".l[=\"s\"]", ".x.y"});
  CHECK(a.without_trees(set(R"({"f:x": {}})")).paths() ==
        std::vector<std::string>{".l[n=1]", ".l[=\"s\"]"});
  CHECK_FALSE(FieldSet::from_json(parse(R"({"x:y": {}})")).has_value());
  CHECK_FALSE(FieldSet::from_json(parse(R"({"k:[1]": {}})")).has_value());
}
