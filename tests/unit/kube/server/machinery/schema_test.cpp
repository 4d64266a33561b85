#include <nlohmann/json.hpp>

#include "kube/server/machinery/structural_schema.h"
#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

Json parse(const std::string& text) {
  return Json::parse(text);
}

std::shared_ptr<const StructuralSchema> compile(const Json& schema) {
  auto compiled = StructuralSchema::compile(schema, {});
  if (!compiled) {
    for (const FieldError& error : compiled.error())
      UNSCOPED_INFO(error.message());
  }
  REQUIRE(compiled.has_value());
  return *compiled;
}

// A schema of an object whose spec has the one field `x`.
Json with_field(const Json& field) {
  return {{"type", "object"},
          {"properties", {{"spec", {{"type", "object"}, {"properties", {{"x", field}}}}}}}};
}

std::vector<std::string> messages(const std::vector<FieldError>& errors) {
  std::vector<std::string> texts;
  for (const FieldError& error : errors)
    texts.push_back(error.message());
  return texts;
}

}  // namespace

TEST_CASE("a value that breaks the schema is named with its place") {
  struct Case {
    std::string field;  // the schema of spec.x
    std::string value;
    std::string message;  // empty: valid
  };
  const std::vector<Case> cases = {
      {.field = R"({"type": "string"})",
       .value = "1",
       .message =
           R"(spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer")"},
      {.field = R"({"type": "string"})",
       .value = "null",
       .message =
           R"(spec.x: Invalid value: "null": spec.x in body must be of type string: "null")"},
      {.field = R"({"type": "string", "nullable": true})", .value = "null", .message = ""},
      {.field = R"({"type": "integer"})", .value = "1.0", .message = ""},
      {.field = R"({"type": "integer"})",
       .value = "1.5",
       .message =
           R"(spec.x: Invalid value: "number": spec.x in body must be of type integer: "number")"},
      {.field = R"({"type": "integer", "minimum": 0})",
       .value = "-1",
       .message = "spec.x: Invalid value: -1: spec.x in body should be greater than or equal to 0"},
      {.field = R"({"type": "number", "maximum": 1, "exclusiveMaximum": true})",
       .value = "1",
       .message = "spec.x: Invalid value: 1: spec.x in body should be less than 1"},
      {.field = R"({"type": "integer", "multipleOf": 5})",
       .value = "7",
       .message = "spec.x: Invalid value: 7: spec.x in body should be a multiple of 5"},
      {.field = R"({"type": "integer", "format": "int32"})",
       .value = "3000000000",
       .message = "spec.x: Invalid value: 3000000000: Checked value must be of type integer with "
                  "format int32 in spec.x"},
      {.field = R"({"type": "string", "enum": ["Allow", "Forbid"]})",
       .value = R"("Sometimes")",
       .message = R"(spec.x: Unsupported value: "Sometimes": supported values: "Allow", "Forbid")"},
      {.field = R"({"type": "string", "maxLength": 2})",
       .value = R"("äöü")",
       .message = "spec.x: Too long: may not be more than 2 bytes"},
      {.field = R"({"type": "string", "maxLength": 3})", .value = R"("äöü")", .message = ""},
      {.field = R"({"type": "string", "minLength": 1})",
       .value = R"("")",
       .message = R"(spec.x: Invalid value: "": spec.x in body should be at least 1 chars long)"},
      {.field = R"({"type": "string", "pattern": "^a+$"})",
       .value = R"("ab")",
       .message = R"(spec.x: Invalid value: "ab": spec.x in body should match '^a+$')"},
      {.field = R"({"type": "string", "format": "date-time"})",
       .value = R"("today")",
       .message =
           R"(spec.x: Invalid value: "today": spec.x in body must be of type date-time: "today")"},
      {.field = R"({"type": "string", "format": "date-time"})",
       .value = R"("2026-03-08T07:00:00Z")",
       .message = ""},
      {.field = R"({"x-kubernetes-int-or-string": true})", .value = "5", .message = ""},
      {.field = R"({"x-kubernetes-int-or-string": true})", .value = R"("5%")", .message = ""},
      {.field = R"({"x-kubernetes-int-or-string": true})",
       .value = "true",
       .message =
           R"(spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean")"},
      {.field = R"({"type": "array", "items": {"type": "integer"}, "maxItems": 2})",
       .value = "[1, 2, 3]",
       .message = "spec.x: Too many: 3: must have at most 2 items"},
      {.field = R"({"type": "array", "items": {"type": "integer"}})",
       .value = R"([1, "2"])",
       .message =
           R"(spec.x[1]: Invalid value: "string": spec.x[1] in body must be of type integer: "string")"},
      {.field =
           R"({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"})",
       .value = R"(["a", "b", "a"])",
       .message = R"(spec.x[2]: Duplicate value: "a")"},
      {.field = R"({"type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}}})",
       .value = R"([{"name": "a"}, {"name": "a"}])",
       .message = R"(spec.x[1]: Duplicate value: {"name":"a"})"},
      {.field = R"({"type": "object", "additionalProperties": {"type": "string"}})",
       .value = R"({"k": 1})",
       .message =
           R"(spec.x.k: Invalid value: "integer": spec.x.k in body must be of type string: "integer")"},
      {.field = R"({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}})",
       .value = "{}",
       .message = "spec.x.a: Required value"},
      {.field = R"({"type": "string", "oneOf": [{"minLength": 2}, {"maxLength": 3}]})",
       .value = R"("ab")",
       .message =
           R"(spec.x: Invalid value: "ab": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives)"},
      {.field = R"({"type": "string", "not": {"enum": ["no"]}})",
       .value = R"("no")",
       .message = R"(spec.x: Invalid value: "no": "spec.x" must not validate the schema (not))"},
      {.field = R"({"type": "object", "x-kubernetes-preserve-unknown-fields": true})",
       .value = R"({"anything": [1, {"goes": null}]})",
       .message = ""},
      {.field = R"({"type": "object", "x-kubernetes-embedded-resource": true,
                    "x-kubernetes-preserve-unknown-fields": true})",
       .value = R"({"kind": "Pod", "metadata": {}})",
       .message = "spec.x.apiVersion: Required value: must not be empty"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.field << " " << one.value) {
      const auto schema = compile(with_field(parse(one.field)));
      const auto errors = messages(schema->validate({{"spec", {{"x", parse(one.value)}}}}));
      if (one.message.empty()) {
        CHECK(errors.empty());
      } else {
        CHECK(errors == std::vector<std::string>{one.message});
      }
    }
  }
}

TEST_CASE("all errors are told, up to a bound") {
  const auto schema = compile(
      with_field(parse(R"({"type": "array", "items": {"type": "integer", "maximum": 0}})")));
  CHECK(schema->validate(parse(R"({"spec": {"x": [1, 0, 2]}})")).size() == 2);
  CHECK(schema->validate({{"spec", {{"x", Json(std::vector<int>(5000, 1))}}}}).size() ==
        StructuralSchema::kMaxErrors);
}

TEST_CASE("unknown fields are removed and named, pruning twice is pruning once") {
  const auto schema = compile(parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "properties": {
      "known": {"type": "string"},
      "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
      "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}}},
      "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
         "inner": {"type": "object", "properties": {"a": {"type": "string"}}}}},
      "pod": {"type": "object", "x-kubernetes-embedded-resource": true}}}}})"));
  Json object = parse(R"({"apiVersion": "v1", "kind": "K", "other": 1,
    "metadata": {"name": "x", "labels": {"a": "b"}, "typo": 1},
    "spec": {"foo": 1, "known": "k", "list": [{"a": "1"}, {"a": "1", "b": "2"}],
      "map": {"k": {"a": "1", "c": 2}}, "open": {"free": {"deep": 1}, "inner": {"a": "1", "z": 1}},
      "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "bad": 1}, "spec": {}}}})");
  CHECK(schema->prune(object) ==
        std::vector<std::string>{"metadata.typo", "other", "spec.foo", "spec.list[1].b",
                                 "spec.map.k.c", "spec.open.inner.z", "spec.pod.metadata.bad",
                                 "spec.pod.spec"});
  CHECK(object == parse(R"({"apiVersion": "v1", "kind": "K",
    "metadata": {"name": "x", "labels": {"a": "b"}},
    "spec": {"known": "k", "list": [{"a": "1"}, {"a": "1"}], "map": {"k": {"a": "1"}},
      "open": {"free": {"deep": 1}, "inner": {"a": "1"}},
      "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}}})"));
  const Json once = object;
  CHECK(schema->prune(object).empty());
  CHECK(object == once);
}

TEST_CASE("a null where none is allowed is an absent field") {
  const auto schema = compile(parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "required": ["name"], "properties": {
      "name": {"type": "string"},
      "arguments": {"type": "array", "items": {"type": "string"}},
      "maybe": {"type": "string", "nullable": true},
      "policy": {"type": "string", "default": "Allow"},
      "conf": {"type": "object", "additionalProperties": {"type": "string"}},
      "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
      "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}})"));
  struct Case {
    std::string name;
    std::string spec;
    std::string result;
    std::vector<std::string> errors;
  };
  const std::vector<Case> cases = {
      {.name = "dropped",
       .spec = R"({"name": "x", "arguments": null, "conf": null})",
       .result = R"({"name": "x"})",
       .errors = {}},
      {.name = "below lists and maps",
       .spec = R"({"name": "x", "list": [{"a": null}], "conf": {"k": null, "l": "v"}})",
       .result = R"({"name": "x", "list": [{}], "conf": {"l": "v"}})",
       .errors = {}},
      {.name = "nullable, defaulted and free fields keep it",
       .spec = R"({"name": "x", "maybe": null, "policy": null, "open": {"k": null}})",
       .result = R"({"name": "x", "maybe": null, "policy": null, "open": {"k": null}})",
       .errors =
           {"spec.policy: Invalid value: \"null\": spec.policy in body must be of type string: "
            "\"null\""}},
      {.name = "a required one is missing then",
       .spec = R"({"name": null})",
       .result = R"({})",
       .errors = {"spec.name: Required value"}},
      {.name = "items of a list stay",
       .spec = R"({"name": "x", "arguments": ["a", null]})",
       .result = R"({"name": "x", "arguments": ["a", null]})",
       .errors =
           {"spec.arguments[1]: Invalid value: \"null\": spec.arguments[1] in body must be of "
            "type string: \"null\""}},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      Json object = {{"spec", parse(one.spec)}};
      CHECK(schema->prune(object).empty());
      CHECK(object["spec"] == parse(one.result));
      CHECK(messages(schema->validate(object)) == one.errors);
    }
  }
}

TEST_CASE("an update is asked only about what it changes") {
  const auto schema = compile(parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "required": ["owner"], "properties": {
      "owner": {"type": "string"},
      "size": {"type": "integer", "maximum": 1},
      "depth": {"type": "integer", "maximum": 1},
      "args": {"type": "array", "items": {"type": "string", "maxLength": 1}},
      "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
      "ports": {"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port"], "items": {"type": "object", "required": ["port"],
          "properties": {"port": {"type": "integer"}, "name": {"type": "string", "maxLength": 1}}}},
      "either": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}}},
    "status": {"type": "object", "properties": {"phase": {"type": "string", "maxLength": 1}}}}})"));
  const Json live = parse(R"({"metadata": {"name": "x"},
    "spec": {"size": 7, "depth": 1, "args": ["long", "s"], "tags": ["a", "a"],
             "ports": [{"port": 1, "name": "long"}, {"port": 2, "name": "l"}], "either": {}},
    "status": {"phase": "long"}})");
  struct Case {
    std::string name;
    std::string patch;                // a merge patch of the live object
    std::vector<std::string> fields;  // that are complained of
  };
  const std::vector<Case> cases = {
      {.name = "a label", .patch = R"({"metadata": {"labels": {"a": "b"}}})", .fields = {}},
      {.name = "the status", .patch = R"({"status": {"phase": "s"}})", .fields = {}},
      {.name = "a bad status is new",
       .patch = R"({"status": {"phase": "other"}})",
       .fields = {"status.phase"}},
      {.name = "another field: its object is asked for what it lacks",
       .patch = R"({"spec": {"depth": 0}})",
       .fields = {"spec.owner"}},
      {.name = "mended", .patch = R"({"spec": {"owner": "me", "size": 1}})", .fields = {}},
      {.name = "another bad value",
       .patch = R"({"spec": {"owner": "me", "size": 8}})",
       .fields = {"spec.size"}},
      {.name = "a list is one value",
       .patch = R"({"spec": {"owner": "me", "args": ["long", "t"]}})",
       .fields = {"spec.args[0]"}},
      {.name = "a set is one value",
       .patch = R"({"spec": {"owner": "me", "tags": ["a", "a", "b"]}})",
       .fields = {"spec.tags[1]"}},
      {.name = "items of a map are found by their key",
       .patch = R"({"spec": {"owner": "me", "ports": [{"port": 3}, {"port": 1, "name": "long"}]}})",
       .fields = {}},
      {.name = "and asked when they differ",
       .patch = R"({"spec": {"owner": "me", "ports": [{"port": 2, "name": "long"}]}})",
       .fields = {"spec.ports[0].name"}},
      {.name = "junctors too",
       .patch = R"({"spec": {"owner": "me", "either": {"c": 1}}})",
       .fields = {"spec.either"}},
  };
  CHECK(schema->validate_update(live, live).empty());
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      Json updated = live;
      updated.merge_patch(parse(one.patch));
      std::vector<std::string> fields;
      for (const FieldError& error : schema->validate_update(updated, live))
        fields.push_back(error.field);
      CHECK(fields == one.fields);
    }
  }
}

TEST_CASE("defaults fill what is absent, and null where null is not allowed") {
  const auto schema = compile(parse(R"({"type": "object", "properties": {
    "spec": {"type": "object", "default": {}, "properties": {
      "policy": {"type": "string", "default": "Allow"},
      "maybe": {"type": "string", "nullable": true, "default": "d"},
      "list": {"type": "array", "items": {"type": "object", "properties": {
         "n": {"type": "integer", "default": 3}}}},
      "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {
         "n": {"type": "integer", "default": 4}}}}}}}})"));
  struct Case {
    std::string object;
    std::string result;
  };
  const std::vector<Case> cases = {
      {.object = "{}", .result = R"({"spec": {"policy": "Allow", "maybe": "d"}})"},
      {.object = R"({"spec": {"policy": null, "maybe": null}})",
       .result = R"({"spec": {"policy": "Allow", "maybe": null}})"},
      {.object = R"({"spec": {"list": [{}, {"n": 1}], "map": {"a": {}}}})",
       .result = R"({"spec": {"policy": "Allow", "maybe": "d", "list": [{"n": 3}, {"n": 1}],
                     "map": {"a": {"n": 4}}}})"},
      {.object = R"({"metadata": {"creationTimestamp": null, "name": "x"}})",
       .result = R"({"metadata": {"name": "x"}, "spec": {"policy": "Allow", "maybe": "d"}})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.object) {
      Json object = parse(one.object);
      REQUIRE(schema->apply_defaults(object, 1'000'000));
      CHECK(object == parse(one.result));
      CHECK(schema->validate(object).empty());
      REQUIRE(schema->apply_defaults(object, 1'000'000));
      CHECK(object == parse(one.result));
      CHECK(schema->prune(object).empty());
    }
  }
}

TEST_CASE("a schema that is not structural is refused with the place") {
  struct Case {
    std::string name;
    std::string schema;
    std::string message;
  };
  const std::vector<Case> cases = {
      {.name = "no type at the root",
       .schema = "{}",
       .message = "s.type: Required value: must not be empty at the root"},
      {.name = "not an object at the root",
       .schema = R"({"type": "array", "items": {"type": "string"}})",
       .message = R"(s.type: Invalid value: "array": must be object at the root)"},
      {.name = "field without type",
       .schema = R"({"type": "object", "properties": {"a": {}}})",
       .message =
           "s.properties[a].type: Required value: must not be empty for specified object fields"},
      {.name = "items without type",
       .schema = R"({"type": "object", "properties": {"a": {"type": "array", "items": {}}}})",
       .message = "s.properties[a].items.type: Required value: must not be empty for specified "
                  "array items"},
      {.name = "array without items",
       .schema = R"({"type": "object", "properties": {"a": {"type": "array"}}})",
       .message = "s.properties[a].items: Required value: must be specified"},
      {.name = "$ref",
       .schema = R"({"type": "object", "$ref": "#/x"})",
       .message = "s.$ref: Forbidden: $ref is not supported"},
      {.name = "both kinds of members",
       .schema =
           R"({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}})",
       .message = "s.additionalProperties: Forbidden: additionalProperties and properties are "
                  "mutual exclusive"},
      {.name = "type inside anyOf",
       .schema = R"({"type": "object", "anyOf": [{"type": "object"}]})",
       .message = "s.anyOf[0].type: Forbidden: must be empty to be structural"},
      {.name = "described only inside allOf",
       .schema = R"({"type": "object", "allOf": [{"properties": {"a": {"minLength": 1}}}]})",
       .message =
           "s.properties[a]: Required value: because it is defined in s.allOf[0].properties[a]"},
      {.name = "metadata",
       .schema =
           R"({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}})",
       .message = "s.properties[metadata]: Forbidden: must not specify anything other than name "
                  "and generateName, but metadata is implicitly specified"},
      {.name = "map list without keys",
       .schema =
           R"({"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}}})",
       .message = "s.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty "
                  "if x-kubernetes-list-type is map"},
      {.name = "bad pattern",
       .schema = R"({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}})",
       .message =
           R"(s.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: missing ): ()"},
      {.name = "default that is not valid",
       .schema = R"({"type": "object", "properties": {"a": {"type": "string", "default": 1}}})",
       .message =
           R"(s.properties[a].default: Invalid value: "integer": s.properties[a].default in body must be of type string: "integer")"},
      {.name = "default with unknown fields",
       .schema =
           R"({"type": "object", "properties": {"a": {"type": "object", "default": {"b": 1}}}})",
       .message =
           R"(s.properties[a].default: Invalid value: {"b":1}: must not have unknown fields)"},
  };
  const FieldPath root;
  const FieldPath at = root.child("s");
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto compiled = StructuralSchema::compile(parse(one.schema), at);
      REQUIRE_FALSE(compiled.has_value());
      CHECK(messages(compiled.error()) == std::vector<std::string>{one.message});
    }
  }
}

TEST_CASE("int-or-string may say so twice") {
  compile(with_field(parse(R"({"x-kubernetes-int-or-string": true,
                               "anyOf": [{"type": "integer"}, {"type": "string"}]})")));
}

TEST_CASE("a built-in kind says nothing by null and by what is empty") {
  struct Case {
    std::string name;
    kube::ResourceType type;
    std::string object;
    std::string result;
  };
  const std::vector<Case> cases = {
      {.name = "data of a config map keeps an empty text",
       .type = kube::config_maps(),
       .object = R"({"data": {"a": null, "b": ""}, "metadata": {"labels": {}, "finalizers": []}})",
       .result = R"({"data": {"a": "", "b": ""}, "metadata": {}})"},
      {.name = "no data at all",
       .type = kube::config_maps(),
       .object = R"({"data": {}, "binaryData": null})",
       .result = "{}"},
      {.name = "an emptied list goes, a required one and an empty choice stay",
       .type = kube::pods(),
       .object = R"({"spec": {"containers": [], "tolerations": [], "nodeSelector": {},
                     "securityContext": {}, "volumes": [{"name": "v", "emptyDir": {}}]}})",
       .result = R"({"spec": {"containers": [], "securityContext": {},
                     "volumes": [{"name": "v", "emptyDir": {}}]}})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      Json object = parse(one.object);
      REQUIRE(StructuralSchema::of_built_in(one.type)->apply_defaults(object, 1'000'000));
      for (const char* defaulted : {"restartPolicy", "dnsPolicy", "terminationGracePeriodSeconds",
                                    "schedulerName", "enableServiceLinks"}) {
        if (object.contains("spec")) object["spec"].erase(defaulted);
      }
      CHECK(object == parse(one.result));
    }
  }
}

TEST_CASE("built-in kinds have schemas") {
  const auto schema = StructuralSchema::of_built_in(kube::pods());
  REQUIRE(schema != nullptr);
  Json pod = parse(R"({"apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "p", "creationTimestamp": null},
    "spec": {"containers": [{"name": "c", "image": "busybox", "typo": 1, "resources":
      {"limits": {"cpu": 0.5, "memory": "1Gi"}}, "ports": [{"containerPort": 80}]}],
      "volumes": [{"name": "v", "configMap": {"name": "c"}}], "affinity": {"nodeAffinity": {}}}})");
  CHECK(schema->prune(pod) == std::vector<std::string>{"spec.containers[0].typo"});
  REQUIRE(schema->apply_defaults(pod, 1'000'000));
  CHECK(messages(schema->validate(pod)).empty());
  CHECK(pod["spec"]["restartPolicy"] == "Always");
  CHECK(pod["spec"]["containers"][0]["ports"][0]["protocol"] == "TCP");
  CHECK(pod["spec"]["volumes"][0]["configMap"]["defaultMode"] == 420);
  CHECK_FALSE(pod["metadata"].contains("creationTimestamp"));

  CHECK(
      messages(schema->validate(parse(R"({"spec": {"restartPolicy": "Perhaps"}})"))) ==
      std::vector<std::string>{
          "spec.containers: Required value",
          R"(spec.restartPolicy: Unsupported value: "Perhaps": supported values: "Always", "OnFailure", "Never")"});
  CHECK(StructuralSchema::of_built_in({"x", "v1", "ys", "Y", true}) == nullptr);
}
