#include "kube/server/types/names.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace kube::server::types {
namespace {

TEST_CASE("names by their rule") {
  struct Case {
    std::string name;
    NameRule rule;
    bool right;
  };
  for (const Case& c : {
           Case{"a", NameRule::Subdomain, true},
           Case{"a-b.c-1", NameRule::Subdomain, true},
           Case{std::string(253, 'a'), NameRule::Subdomain, true},
           Case{std::string(254, 'a'), NameRule::Subdomain, false},
           Case{"", NameRule::Subdomain, false},
           Case{"A", NameRule::Subdomain, false},
           Case{"a..b", NameRule::Subdomain, false},
           Case{"a_b", NameRule::Subdomain, false},
           Case{"-a", NameRule::Subdomain, false},
           Case{"a.", NameRule::Subdomain, false},
           Case{"a.b", NameRule::Label, false},
           Case{std::string(63, 'a'), NameRule::Label, true},
           Case{std::string(64, 'a'), NameRule::Label, false},
           Case{"1a", NameRule::Label, true},
           Case{"1a", NameRule::Dns1035Label, false},
           Case{"a1", NameRule::Dns1035Label, true},
           Case{"", NameRule::Dns1035Label, false},
           Case{"..", NameRule::PathSegment, false},
           Case{"a/b", NameRule::PathSegment, false},
           Case{"Any_Thing", NameRule::PathSegment, true},
       }) {
    DYNAMIC_SECTION(c.name.substr(0, 20) << " " << c.name.size()) {
      CHECK(check_name(c.name, c.rule).empty() == c.right);
    }
  }
  CHECK(check_name_prefix("run-", NameRule::Subdomain).empty());
  CHECK_FALSE(check_name_prefix("run_", NameRule::Subdomain).empty());
}

TEST_CASE("label keys and values") {
  struct Case {
    const char* key;
    bool right;
  };
  for (const Case& c : {Case{"app", true}, Case{"a/b", true}, Case{"example.com/A_b.c-d", true},
                        Case{"", false}, Case{"/b", false}, Case{"a/", false}, Case{"a/b/c", false},
                        Case{"Example.com/x", false}, Case{"a b", false}}) {
    CAPTURE(c.key);
    CHECK(check_qualified_name(c.key).empty() == c.right);
  }
  CHECK(check_label_value("").empty());
  CHECK(check_label_value("A_b.c-1").empty());
  CHECK_FALSE(check_label_value("-a").empty());
  CHECK_FALSE(check_label_value(std::string(64, 'a')).empty());
}

TEST_CASE("metadata as a whole") {
  const auto errors = check_metadata(
      nlohmann::json::parse(R"({"name": "a", "namespace": "default", "labels": {"bad key": "-"},
        "annotations": {"Upper/ok": "x"}, "finalizers": ["bad finalizer"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": ""},
          {"apiVersion": "v1", "kind": "A", "name": "x", "uid": "1", "controller": true},
          {"apiVersion": "v1", "kind": "B", "name": "y", "uid": "2", "controller": true}]})"),
      NameRule::Subdomain, true);
  std::vector<std::string> fields;
  for (const auto& error : errors)
    fields.push_back(error.field);
  CHECK(fields == std::vector<std::string>{"metadata.labels", "metadata.labels",
                                           "metadata.ownerReferences[0].uid",
                                           "metadata.ownerReferences", "metadata.finalizers"});
  CHECK_THAT(errors[0].message(),
             Catch::StartsWith("metadata.labels: Invalid value: \"bad key\": name part must"));
  CHECK_THAT(errors[1].message(),
             Catch::StartsWith("metadata.labels: Invalid value: \"-\": a valid label must"));
  CHECK(errors[2].message() ==
        "metadata.ownerReferences[0].uid: Required value: must not be empty");
  CHECK(check_metadata(nlohmann::json::object(), NameRule::Subdomain, false).front().message() ==
        "metadata.name: Required value: name or generateName is required");
  CHECK_THAT(check_metadata({{"name", "A"}}, NameRule::Subdomain, false).front().message(),
             Catch::StartsWith("metadata.name: Invalid value: \"A\": a lowercase RFC 1123 "
                               "subdomain must consist of"));
  CHECK(check_metadata({{"name", "a"}, {"namespace", "b"}}, NameRule::Subdomain, true).empty());
}

}  // namespace
}  // namespace kube::server::types
