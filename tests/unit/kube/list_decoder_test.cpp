#include "kube/list_decoder.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using kube::Json;
using kube::ListDecoder;
using kube::ObjectLimits;
using kube::ObjectList;

std::string nested(size_t levels) {
  std::string text;
  for (size_t i = 0; i < levels; ++i)
    text += R"({"a":)";
  return text + "1" + std::string(levels, '}');
}

// The token of the next page, or the error.
std::string decode(std::string_view text, ObjectList& list, size_t piece,
                   ObjectLimits limits = {}) {
  ListDecoder decoder(kube::pods(), list, limits);
  for (size_t at = 0; at < text.size(); at += piece)
    decoder.feed(text.substr(at, piece));
  const auto token = decoder.finish();
  return token ? *token : token.error().message;
}

std::string names(const ObjectList& list) {
  std::string all;
  for (const Json& item : list.items)
    all += kube::key_of(item).name + " ";
  return all;
}

TEST_CASE("objects of a list come out the same wherever the bytes are cut") {
  const std::string text =
      R"({ "kind": "PodList", "x": [[{"items": [1]}], "items", "a]"], "items" : [ )"
      R"({"metadata": {"name": "a", "labels": {"items": "],}\\\""}}, "items": [{}, []]} ,)"
      "\n"
      R"({"metadata":{"name":"b"},"kind":"Other"}],)"
      R"("metadata":{"continue":"t\u0041","resourceVersion":"12"}})";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    ObjectList list;
    CHECK(decode(text, list, piece) == "tA");
    CHECK(names(list) == "a b ");
    CHECK(list.resource_version == "12");
    CHECK(list.unreadable.empty());
    CHECK(list.items.at(0).at("apiVersion") == "v1");
    CHECK(list.items.at(0).at("kind") == "Pod");
    CHECK(list.items.at(1).at("kind") == "Other");
  }
}

TEST_CASE("an object nested as deep as the API takes it is read from a list") {
  ObjectList list;
  CHECK(decode(R"({"items":[{"metadata":{"name":"a"},"spec":)" + nested(63) + "}]}", list, 4096)
            .empty());
  CHECK(names(list) == "a ");
}

TEST_CASE("an object of a list that cannot be read is left out by name and the others are read") {
  struct Case {
    const char* name;
    std::string item;
    const char* found;
    const char* reason;
  };
  const std::string metadata = R"("metadata":{"name":"bad","namespace":"n","uid":"u"})";
  const Case cases[] = {
      {.name = "too deep",
       .item = "{" + metadata + R"(,"spec":)" + nested(300) + "}",
       .found = "n/bad",
       .reason = "JSON is nested deeper than 128 levels"},
      {.name = "too deep, and its name behind that",
       .item = R"({"data":)" + nested(300) + "," + metadata + "}",
       .found = "n/bad",
       .reason = "JSON is nested deeper than 128 levels"},
      {.name = "too large",
       .item = "{" + metadata + R"(,"spec":")" + std::string(5000, 'x') + "\"}",
       .found = "n/bad",
       .reason = " bytes are over the limit of 4096"},
      {.name = "not JSON",
       .item = "{" + metadata + R"(,"spec":nil})",
       .found = "n/bad",
       .reason = "not JSON: syntax error at byte "},
      {.name = "no object", .item = "17", .found = "", .reason = "not an object"},
      {.name = "without a name",
       .item = R"({"metadata":{"name":7}})",
       .found = "",
       .reason = "an object without metadata.name"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      ObjectList list;
      const std::string text = R"({"items":[{"metadata":{"name":"a"}},)" + c.item +
                               R"(,{"metadata":{"name":"b"}}],"metadata":{"resourceVersion":"9"}})";
      CHECK(decode(text, list, 4096, {.bytes = 4096, .depth = 128}).empty());
      CHECK(names(list) == "a b ");
      CHECK(list.resource_version == "9");
      REQUIRE(list.unreadable.size() == 1);
      CHECK(list.unreadable[0].key.to_string() == c.found);
      CHECK(kube::require_all_readable(list).error().code == base::Code::Unavailable);
      CHECK(list.unreadable[0].reason.find(c.reason) != std::string::npos);
    }
  }
}

TEST_CASE("of a list of versions nothing else is kept") {
  const std::string text =
      R"({"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"9"},"items":[
         {"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a",
          "namespace":"etl","uid":"u1","resourceVersion":"7","managedFields":[{"manager":"m"}]}},
         {"metadata":{"name":"b","uid":"u2","resourceVersion":"8"},"spec":{"large":[1,2,3]}}]})";
  ObjectList list;
  ListDecoder decoder(kube::pods(), list, ObjectLimits{}, kube::ListOptions::Content::Versions);
  decoder.feed(text);
  REQUIRE(decoder.finish().has_value());
  CHECK(list.resource_version == "9");
  CHECK(list.items ==
        std::vector<Json>{
            Json{{"apiVersion", "v1"},
                 {"kind", "Pod"},
                 {"metadata",
                  {{"name", "a"}, {"namespace", "etl"}, {"uid", "u1"}, {"resourceVersion", "7"}}}},
            Json{{"apiVersion", "v1"},
                 {"kind", "Pod"},
                 {"metadata", {{"name", "b"}, {"uid", "u2"}, {"resourceVersion", "8"}}}}});
}

TEST_CASE("what is no list or ends early is an error as a whole") {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"<html>", "list of pods: not JSON: syntax error at byte 1"},
      {"[]", "list of pods: not a list"},
      {"", "list of pods: not JSON: syntax error at byte 1"},
      {R"({"items":[{"metadata":{"name":"a"}},)",
       "list of pods: not JSON: syntax error at byte 11"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.text) {
      ObjectList list;
      CHECK(decode(c.text, list, 4096) == c.error);
    }
  }
}

}  // namespace
