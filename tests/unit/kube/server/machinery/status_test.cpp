#include "kube/server/machinery/status.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace kube::server::machinery;

namespace {

const kube::ResourceType kSchedules{"sparkoperator.k8s.io", "v1beta2", "scheduledsparkapplications",
                                    "ScheduledSparkApplication", true};

}  // namespace

TEST_CASE("a refusal reads as people know it") {
  struct Case {
    std::string name;
    ApiError error;
    int code = 0;
    std::string reason;
    std::string message;
  };
  const std::vector<Case> cases = {
      {.name = "not found",
       .error = not_found(kSchedules, "x"),
       .code = 404,
       .reason = "NotFound",
       .message = "scheduledsparkapplications.sparkoperator.k8s.io \"x\" not found"},
      {.name = "not found in the core group",
       .error = not_found(kube::pods(), "x"),
       .code = 404,
       .reason = "NotFound",
       .message = "pods \"x\" not found"},
      {.name = "already exists",
       .error = already_exists(kSchedules, "x"),
       .code = 409,
       .reason = "AlreadyExists",
       .message = "scheduledsparkapplications.sparkoperator.k8s.io \"x\" already exists"},
      {.name = "modified",
       .error = modified_conflict(kSchedules, "x"),
       .code = 409,
       .reason = "Conflict",
       .message = "Operation cannot be fulfilled on "
                  "scheduledsparkapplications.sparkoperator.k8s.io \"x\": the object has been "
                  "modified; please apply your changes to the latest version and try again"},
      {.name = "invalid, one cause",
       .error = invalid(kSchedules, "x",
                        {FieldError::not_supported("spec.concurrencyPolicy", "Sometimes",
                                                   {"Allow", "Forbid", "Replace"})}),
       .code = 422,
       .reason = "Invalid",
       .message = "ScheduledSparkApplication.sparkoperator.k8s.io \"x\" is invalid: "
                  "spec.concurrencyPolicy: Unsupported value: \"Sometimes\": supported values: "
                  "\"Allow\", \"Forbid\", \"Replace\""},
      {.name = "invalid, several causes, each said once",
       .error = invalid(kube::pods(), "x",
                        {FieldError::required("spec.containers"),
                         FieldError::invalid("spec.n", -1, "must be positive"),
                         FieldError::required("spec.containers")}),
       .code = 422,
       .reason = "Invalid",
       .message = "Pod \"x\" is invalid: [spec.containers: Required value, spec.n: Invalid value: "
                  "-1: must be positive]"},
      {.name = "forbidden",
       .error = forbidden(kube::pods(), "x", "namespace is being terminated"),
       .code = 403,
       .reason = "Forbidden",
       .message = "pods \"x\" is forbidden: namespace is being terminated"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      CHECK(one.error.code == one.code);
      CHECK(one.error.reason == one.reason);
      CHECK(one.error.message == one.message);
    }
  }
}

TEST_CASE("a Status object carries reason, code and causes") {
  const Json status = to_json(invalid(kSchedules, "x", {FieldError::required("spec.schedule")}));
  CHECK(status == Json::parse(R"({
    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 422,
    "reason": "Invalid",
    "message": "ScheduledSparkApplication.sparkoperator.k8s.io \"x\" is invalid: spec.schedule: Required value",
    "details": {"name": "x", "group": "sparkoperator.k8s.io", "kind": "ScheduledSparkApplication",
      "causes": [{"reason": "FieldValueRequired", "message": "Required value",
                  "field": "spec.schedule"}]}})"));
  CHECK_FALSE(to_json(bad_request("no")).contains("details"));
  CHECK(to_json(too_many_requests("slow down", 3))["details"]["retryAfterSeconds"] == 3);
}

TEST_CASE("field paths read as in Kubernetes") {
  const FieldPath root;
  const FieldPath spec = root.child("spec");
  const FieldPath list = spec.child("containers");
  const FieldPath item = list.index(2);
  const FieldPath labels = item.child("labels");
  CHECK(labels.key("app").to_string() == "spec.containers[2].labels[app]");
  CHECK(root.to_string().empty());
}

TEST_CASE("a quoted value is cut") {
  const FieldError error = FieldError::invalid("f", std::string(100'000, 'x'), "no");
  CHECK(error.message().size() < 1000);
}
