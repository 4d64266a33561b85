#include "kube/server/machinery/selector.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

Json labelled(const Json& labels) {
  return {{"metadata", {{"labels", labels}}}};
}

}  // namespace

TEST_CASE("label selectors select") {
  const Json labels = {{"app", "etl"}, {"tier", "a"}, {"n", "7"}, {"empty", ""}};
  struct Case {
    std::string selector;
    bool matches = false;
  };
  const std::vector<Case> cases = {
      {.selector = "", .matches = true},
      {.selector = "app=etl", .matches = true},
      {.selector = "app==etl,tier=a", .matches = true},
      {.selector = "app=other", .matches = false},
      {.selector = "app!=other", .matches = true},
      {.selector = "absent!=other", .matches = true},
      {.selector = "absent=", .matches = false},
      {.selector = "empty=", .matches = true},
      {.selector = "app in (x, etl)", .matches = true},
      {.selector = "app in (x,y)", .matches = false},
      {.selector = "app notin (x,y)", .matches = true},
      {.selector = "absent notin (x)", .matches = true},
      {.selector = "app", .matches = true},
      {.selector = "!app", .matches = false},
      {.selector = "! absent , app", .matches = true},
      {.selector = "n>6", .matches = true},
      {.selector = "n<7", .matches = false},
      {.selector = "in=x", .matches = false},
      {.selector = "empty in (a,)", .matches = true},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.selector) {
      const auto selector = LabelSelector::parse(one.selector);
      REQUIRE(selector.has_value());
      CHECK(selector->matches(labelled(labels)) == one.matches);
      LabelSelector::Labels taken_out;
      for (const auto& [key, value] : labels.items())
        taken_out.emplace_back(key, value.get<std::string>());
      CHECK(selector->matches(taken_out) == one.matches);
    }
  }
  CHECK_FALSE(LabelSelector::parse("app")->matches(Json::object()));
}

TEST_CASE("a label selector that cannot be read says why") {
  struct Case {
    std::string selector;
    std::string message;
    bool inside = true;  // of one requirement
  };
  const std::vector<Case> cases = {
      {.selector = "a=b=c",
       .message = "found '=', expected: ',' or 'end of string'",
       .inside = false},
      {.selector = "=b",
       .message = "found '=', expected: !, identifier, or 'end of string'",
       .inside = false},
      {.selector = "a,", .message = "found '', expected: identifier after ','", .inside = false},
      {.selector = "a in b", .message = "found 'b' expected: '('"},
      {.selector = "a in (b", .message = "found '', expected: ',' or ')'"},
      {.selector = "a in ()",
       .message = "values: Invalid value: []: for 'in', 'notin' operators, values set can't be "
                  "empty"},
      {.selector = "a b", .message = "found 'b', expected: in, notin, =, ==, !=, gt, lt"},
      {.selector = "a>x",
       .message = "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an "
                  "integer"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.selector) {
      const auto selector = LabelSelector::parse(one.selector);
      REQUIRE_FALSE(selector.has_value());
      CHECK(selector.error().code == 400);
      CHECK(selector.error().message ==
            (one.inside ? "unable to parse requirement: " : "") + one.message);
    }
  }
  CHECK(LabelSelector::parse("a/b/c=x").error().message.find("key: Invalid value: \"a/b/c\"") !=
        std::string::npos);
  CHECK(LabelSelector::parse(std::string(100'000, 'a')).error().code == 413);
}

TEST_CASE("label selectors stand in objects too") {
  const auto selector = LabelSelector::from_json(Json::parse(R"({
    "matchLabels": {"app": "etl"},
    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]},
                         {"key": "gone", "operator": "DoesNotExist"}]})"));
  REQUIRE(selector.has_value());
  CHECK(selector->matches(labelled({{"app", "etl"}, {"tier", "a"}})));
  CHECK_FALSE(selector->matches(labelled({{"app", "etl"}, {"tier", "a"}, {"gone", "x"}})));
  CHECK(LabelSelector::from_json({{"matchExpressions", {{{"key", "a"}, {"operator", "Near"}}}}})
            .error()
            .message == "\"Near\" is not a valid label selector operator");
}

TEST_CASE("field selectors select and name what they do not know") {
  const Json pod = Json::parse(R"({"metadata": {"name": "d", "namespace": "default"},
    "spec": {"nodeName": "a=b", "hostNetwork": true}, "status": {"phase": "Running"}})");
  struct Case {
    std::string selector;
    bool matches = false;
  };
  const std::vector<Case> cases = {
      {.selector = "", .matches = true},
      {.selector = "metadata.name=d", .matches = true},
      {.selector = "metadata.name==d,status.phase!=Failed", .matches = true},
      {.selector = "status.phase!=Running", .matches = false},
      {.selector = "spec.nodeName=a\\=b", .matches = true},
      {.selector = "spec.hostNetwork=true", .matches = true},
      {.selector = "status.podIP=", .matches = true},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.selector) {
      const auto selector = FieldSelector::parse(one.selector);
      REQUIRE(selector.has_value());
      CHECK(selector->check_supported(selectable_fields(kube::pods())).has_value());
      CHECK(selector->matches(pod) == one.matches);
    }
  }
  CHECK(FieldSelector::parse("metadata.name=d")->required_value("metadata.name") == "d");
  CHECK_FALSE(FieldSelector::parse("metadata.name!=d")->required_value("metadata.name"));
  CHECK(FieldSelector::parse("nothing").error().message ==
        "invalid selector: 'nothing'; can't understand 'nothing'");
  CHECK(FieldSelector::parse("spec.x=1")
            ->check_supported(selectable_fields(kube::pods()))
            .error()
            .message == "field label not supported: spec.x");
}
