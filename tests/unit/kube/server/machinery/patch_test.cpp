#include "kube/server/machinery/patch.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace kube::server::machinery;

TEST_CASE("merge patch does the examples of RFC 7386") {
  struct Case {
    std::string target;
    std::string patch;
    std::string result;
  };
  const std::vector<Case> cases = {
      {.target = R"({"a":"b"})", .patch = R"({"a":"c"})", .result = R"({"a":"c"})"},
      {.target = R"({"a":"b"})", .patch = R"({"b":"c"})", .result = R"({"a":"b","b":"c"})"},
      {.target = R"({"a":"b"})", .patch = R"({"a":null})", .result = "{}"},
      {.target = R"({"a":["b"]})", .patch = R"({"a":"c"})", .result = R"({"a":"c"})"},
      {.target = R"({"a":"c"})", .patch = R"({"a":["b"]})", .result = R"({"a":["b"]})"},
      {.target = R"({"a":{"b":"c"}})",
       .patch = R"({"a":{"b":"d","c":null}})",
       .result = R"({"a":{"b":"d"}})"},
      {.target = R"({"a":[{"b":"c"}]})", .patch = R"({"a":[1]})", .result = R"({"a":[1]})"},
      {.target = R"({"e":null})", .patch = R"({"a":1})", .result = R"({"e":null,"a":1})"},
      {.target = "{}", .patch = R"({"a":{"bb":{"ccc":null}}})", .result = R"({"a":{"bb":{}}})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.target << " " << one.patch) {
      const auto result = merge_patch(Json::parse(one.target), Json::parse(one.patch));
      REQUIRE(result.has_value());
      CHECK(*result == Json::parse(one.result));
      CHECK(*merge_patch(*result, Json::parse(one.patch)) == *result);
    }
  }
  CHECK(merge_patch(Json::object(), Json::array()).error().code == 400);
}

TEST_CASE("JSON patch does each operation") {
  struct Case {
    std::string name;
    std::string target;
    std::string patch;
    std::string result;
  };
  const std::vector<Case> cases = {
      {.name = "add a member",
       .target = R"({"a":1})",
       .patch = R"([{"op":"add","path":"/b","value":2}])",
       .result = R"({"a":1,"b":2})"},
      {.name = "add in the middle",
       .target = R"({"a":[1,3]})",
       .patch = R"([{"op":"add","path":"/a/1","value":2}])",
       .result = R"({"a":[1,2,3]})"},
      {.name = "append",
       .target = R"({"a":[1]})",
       .patch = R"([{"op":"add","path":"/a/-","value":2}])",
       .result = R"({"a":[1,2]})"},
      {.name = "remove",
       .target = R"({"a":[1,2],"b":0})",
       .patch = R"([{"op":"remove","path":"/a/0"},{"op":"remove","path":"/b"}])",
       .result = R"({"a":[2]})"},
      {.name = "replace",
       .target = R"({"a":{"b~c/d":1}})",
       .patch = R"([{"op":"replace","path":"/a/b~0c~1d","value":null}])",
       .result = R"({"a":{"b~c/d":null}})"},
      {.name = "replace of a member that is not there adds it",
       .target = R"({"a":{}})",
       .patch = R"([{"op":"replace","path":"/a/b","value":1}])",
       .result = R"({"a":{"b":1}})"},
      {.name = "a negative index counts from the end",
       .target = R"({"a":[1,2,3]})",
       .patch = R"([{"op":"remove","path":"/a/-1"},{"op":"replace","path":"/a/-2","value":9}])",
       .result = R"({"a":[9,2]})"},
      {.name = "add at -1 appends",
       .target = R"({"a":[1,2]})",
       .patch = R"([{"op":"add","path":"/a/-1","value":3},{"op":"add","path":"/a/-4","value":0}])",
       .result = R"({"a":[0,1,2,3]})"},
      {.name = "move",
       .target = R"({"a":{"b":1}})",
       .patch = R"([{"op":"move","from":"/a/b","path":"/c"}])",
       .result = R"({"a":{},"c":1})"},
      {.name = "copy",
       .target = R"({"a":{"b":1}})",
       .patch = R"([{"op":"copy","from":"/a","path":"/c"}])",
       .result = R"({"a":{"b":1},"c":{"b":1}})"},
      {.name = "test then act",
       .target = R"({"a":1})",
       .patch = R"([{"op":"test","path":"/a","value":1},{"op":"replace","path":"/a","value":2}])",
       .result = R"({"a":2})"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto result = json_patch(Json::parse(one.target), Json::parse(one.patch));
      REQUIRE(result.has_value());
      CHECK(*result == Json::parse(one.result));
    }
  }
}

TEST_CASE("a JSON patch that does not apply says why") {
  struct Case {
    std::string name;
    std::string patch;
    int code = 0;
    std::string why;
  };
  const std::vector<Case> cases = {
      {.name = "test fails",
       .patch = R"([{"op":"test","path":"/a","value":2}])",
       .code = 422,
       .why = "testing path \"/a\" failed: test failed"},
      {.name = "no such path",
       .patch = R"([{"op":"remove","path":"/x/y"}])",
       .code = 422,
       .why = "remove operation does not apply: doc is missing path: \"/x/y\""},
      {.name = "replace where there is no parent",
       .patch = R"([{"op":"replace","path":"/x/y","value":1}])",
       .code = 422,
       .why = "replace operation does not apply: doc is missing path: \"/x/y\""},
      {.name = "before the first",
       .patch = R"([{"op":"remove","path":"/l/-2"}])",
       .code = 422,
       .why = "remove operation does not apply: doc is missing path: \"/l/-2\""},
      {.name = "index with leading zero",
       .patch = R"([{"op":"add","path":"/l/01","value":2}])",
       .code = 422,
       .why = "add operation does not apply: doc is missing path: \"/l/01\""},
      {.name = "into itself",
       .patch = R"([{"op":"move","from":"/l","path":"/l/0"}])",
       .code = 422,
       .why = "move operation does not apply: a value cannot move into itself"},
      {.name = "unknown operation",
       .patch = R"([{"op":"swap","path":"/a"}])",
       .code = 422,
       .why = "Unexpected kind: swap"},
      {.name = "bad pointer",
       .patch = R"([{"op":"remove","path":"a"}])",
       .code = 400,
       .why = "remove operation has no valid path"},
      {.name = "no value",
       .patch = R"([{"op":"add","path":"/a"}])",
       .code = 400,
       .why = "add operation has no value"},
      {.name = "not an array",
       .patch = R"({})",
       .code = 400,
       .why = "the JSON patch must be an array"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto result = json_patch(Json::parse(R"({"a":1,"l":[1]})"), Json::parse(one.patch));
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().code == one.code);
      if (one.code == 400) {
        CHECK(result.error().message == one.why);
      } else {
        CHECK(result.error().message ==
              "the server rejected our request due to an error in our request: " + one.why);
      }
    }
  }
}

TEST_CASE("copies cannot pile up") {
  Json doubling = Json::array();
  for (int i = 0; i < 30; ++i) {
    doubling.push_back({{"op", "copy"}, {"from", ""}, {"path", "/x" + std::to_string(i)}});
  }
  const auto wide = json_patch({{"a", "b"}}, doubling, {.operations = 100, .added_bytes = 10'000});
  REQUIRE_FALSE(wide.has_value());
  CHECK(wide.error().code == 413);
  CHECK(wide.error().message ==
        "Request entity too large: the JSON patch adds more than 10000 bytes");

  Json nesting = Json::array();
  for (int i = 0; i < 20; ++i)
    nesting.push_back({{"op", "copy"}, {"from", ""}, {"path", "/a"}});
  const PatchLimits shallow{.operations = 100, .added_bytes = 10'000, .depth = 8};
  CHECK_FALSE(json_patch({{"a", Json::object()}}, nesting, shallow).has_value());
  CHECK(json_patch(Json::object(), Json(std::vector<Json>(20'000, Json::object()))).error().code ==
        413);
}

TEST_CASE("inserts at the front of a long list are refused before they are done") {
  // As ten thousand in front of a hundred thousand items under the limit that holds for people.
  CHECK(PatchLimits{}.work == 20'000'000);
  const PatchLimits limits{.work = 20'000};
  Json inserts = Json::array();
  Json removals = Json::array();
  Json moves = Json::array();
  for (int i = 0; i < 1'000; ++i) {
    inserts.push_back({{"op", "add"}, {"path", "/l/0"}, {"value", i}});
    removals.push_back({{"op", "remove"}, {"path", "/l/0"}});
    moves.push_back(
        {{"op", "move"}, {"from", i % 2 == 0 ? "/l" : "/m"}, {"path", i % 2 == 0 ? "/m" : "/l"}});
  }
  const Json list = {{"l", Json(std::vector<int>(1'000, 7))}};
  for (const Json& patch : {inserts, removals, moves}) {
    const auto refused = json_patch(list, patch, limits);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == 413);
    CHECK(
        refused.error().message ==
        "Request entity too large: the JSON patch shifts and moves more than 20000 list items and "
        "bytes: replace the whole list in one operation");
  }
  // As many at the end cost nothing, and some in front of a short list are nobody's attack.
  for (Json& one : inserts)
    one["path"] = "/l/-";
  CHECK(json_patch(list, inserts, limits)->at("l").size() == 2'000);
  for (Json& one : inserts)
    one["path"] = "/l/0";
  inserts.erase(inserts.begin() + 150, inserts.end());
  CHECK(json_patch({{"l", Json::array()}}, inserts, limits)->at("l").size() == 150);
}
