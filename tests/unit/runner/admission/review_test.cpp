#include "runner/admission/review.h"

#include <string>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "runner/admission/checks.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::admission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

const base::WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 28}};

json schedule(const json& spec = json::object()) {
  json object = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                 {"kind", "ScheduledSparkApplication"},
                 {"metadata", {{"name", "nightly"}, {"namespace", "jobs"}}},
                 {"spec", {{"schedule", "0 2 * * *"}, {"template", scala_application()["spec"]}}}};
  object["spec"].merge_patch(spec);
  return object;
}

json review(const json& object, const json& old = nullptr) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "u-1"},
            {"kind", {{"group", "sparkoperator.k8s.io"}, {"kind", object["kind"]}}},
            {"operation", old.is_null() ? "CREATE" : "UPDATE"},
            {"namespace", "jobs"},
            {"object", object},
            {"oldObject", old}}}};
}

struct Webhook {
  tests::FakeClock clock{kNow};
  Rules rules{.schedule = schedule_check("UTC", {}, clock),
              .application = application_check({}),
              .quota = {},
              .default_conf = {}};

  json validated(const json& one) { return response(validate(one.dump(), rules)); }
  json mutated(const json& one) { return response(mutate(one.dump(), rules)); }
  std::string refusal(const json& one) {
    const json answer = validated(one);
    return answer["allowed"] == true ? "" : answer["status"]["message"].get<std::string>();
  }
  static json response(const Reply& reply) {
    REQUIRE(reply.status == 200);
    const json read = json::parse(reply.body);
    CHECK(read["apiVersion"] == "admission.k8s.io/v1");
    CHECK(read["kind"] == "AdmissionReview");
    CHECK(read["response"]["uid"] == "u-1");
    return read["response"];
  }
};

json patched(const json& object, const json& response) {
  CHECK(response["patchType"] == "JSONPatch");
  const auto patch = base::decode_base64(response["patch"].get<std::string>());
  REQUIRE(patch);
  return object.patch(json::parse(*patch));
}

}  // namespace

TEST_CASE("a schedule that cannot work is refused with every field that is wrong") {
  struct Case {
    json spec;
    std::string error;
  };
  const Case cases[] = {
      {{{"schedule", "75 * * * *"}}, "spec.schedule: minute: 75 is out of range 0-59 (at 0)"},
      {{{"concurrencyPolicy", "Sometimes"}, {"failedRunHistoryLimit", -1}},
       "spec.concurrencyPolicy: \"Sometimes\" is not one of Allow, Forbid, Replace; "
       "spec.failedRunHistoryLimit: -1 is less than 0"},
      {{{"template", {{"driver", {{"memory", "lots"}}}}}},
       "spec.template.driver.memory must be a size over zero such as 512m, 2g or 1Gi, not "
       "\"lots\""},
      {{{"template", {{"sparkConf", {{"spark.kubernetes.container.image", "x"}}}}}},
       "spec.template.sparkConf must not set spark.kubernetes.container.image: use "
       "spec.template.image"},
      {{{"template", {{"mode", "client"}}}},
       "spec.template.mode must be cluster: in client mode the driver would run inside this "
       "service"},
  };
  Webhook webhook;
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      const json answer = webhook.validated(review(schedule(c.spec)));
      CHECK(answer["allowed"] == false);
      CHECK(answer["status"]["message"] == c.error);
      CHECK(answer["status"]["code"] == 422);
    }
  }
  CHECK(webhook.refusal(review(schedule({{"timeZone", "Mars/Olympus"}})))
            .starts_with("spec.timeZone: "));
  CHECK(webhook.refusal(review(schedule())).empty());
}

TEST_CASE("an application is refused in the words that its status would have") {
  Webhook webhook;
  const json denied =
      with(scala_application(), {{"spec", {{"sparkConf", {{"spark.master", "local"}}}}}});
  CHECK(webhook.refusal(review(denied)) == refusal(denied));
  CHECK(webhook.refusal(review(denied)) ==
        "spec.sparkConf must not set spark.master: the service says where the driver runs");
  CHECK(webhook.refusal(review(scala_application())).empty());
}

TEST_CASE("what the controllers would warn of is a warning") {
  Webhook webhook;
  CHECK(webhook.validated(review(schedule({{"timeZone", "Etc/GMT+2"}})))["warnings"] ==
        json{"spec.timeZone: Etc/GMT+2 is 2 h behind UTC: its sign is that of POSIX"});
  CHECK(webhook.validated(review(schedule({{"schedule", "0 0 0 1 1 ? 2020"}})))["warnings"] ==
        json{"spec.schedule: no time is left at which it would run"});
  CHECK(webhook.validated(review(schedule({{"template", {{"failureRetries", 3}}}})))["warnings"] ==
        json{"spec.template.failureRetries has no effect; spec.template.restartPolicy has fields "
             "for this"});
  CHECK_FALSE(webhook.validated(review(schedule())).contains("warnings"));
}

TEST_CASE("warnings and messages are bounded") {
  Webhook webhook;
  webhook.rules.application = [](const json&) {
    return runner::submission::DryRun{
        .refusal = base::Error{base::Code::InvalidArgument, std::string(100'000, 'x'), {}},
        .warnings = std::vector<std::string>(1000, std::string(1000, 'y'))};
  };
  const Reply reply = validate(review(scala_application()).dump(), webhook.rules);
  CHECK(reply.body.size() < 10'000);
  CHECK(json::parse(reply.body)["response"]["warnings"].size() == 16);
}

TEST_CASE("only a new object or an edited spec is judged") {
  Webhook webhook;
  const json bad = with(scala_application(), {{"spec", {{"mode", "client"}}}});
  const json labelled = with(bad, {{"metadata", {{"labels", {{"a", "b"}}}}}});
  const json edited = with(bad, {{"spec", {{"arguments", {"x"}}}}});
  CHECK_FALSE(webhook.refusal(review(bad)).empty());
  CHECK(webhook.refusal(review(labelled, bad)).empty());
  CHECK_FALSE(webhook.refusal(review(edited, bad)).empty());
  const json going = with(edited, {{"metadata", {{"deletionTimestamp", "2026-11-28T00:00:00Z"}}}});
  CHECK(webhook.refusal(review(going, bad)).empty());

  json status = review(edited, bad);
  status["request"]["subResource"] = "status";
  CHECK(webhook.refusal(status).empty());
  json deletion = review(bad);
  deletion["request"]["operation"] = "DELETE";
  CHECK(webhook.refusal(deletion).empty());
  json other = review(bad);
  other["request"]["kind"]["kind"] = "ConfigMap";
  CHECK(webhook.refusal(other).empty());
}

TEST_CASE("an object that has no name or namespace yet is judged as if it had") {
  Webhook webhook;
  json unnamed =
      with(scala_application(), {{"metadata", {{"name", nullptr}, {"namespace", nullptr}}}});
  unnamed["metadata"]["generateName"] = "pi-";
  unnamed["spec"]["sparkConf"] = {{"spark.kubernetes.namespace", "jobs"}};
  CHECK(webhook.refusal(review(unnamed)).empty());
  json nameless = schedule();
  nameless["metadata"] = {{"generateName", "nightly-"}};
  CHECK(webhook.refusal(review(nameless)).empty());
}

TEST_CASE("a quota refuses a new application only, and only when it says no") {
  Webhook webhook;
  base::Status room = base::failure(base::Code::Forbidden, "exceeded quota \"team\"");
  webhook.rules.quota = [&room](const json&) { return room; };
  CHECK(webhook.refusal(review(scala_application())) == "exceeded quota \"team\"");
  CHECK(webhook.validated(review(scala_application()))["status"]["code"] == 403);
  const json edited = with(scala_application(), {{"spec", {{"arguments", {"x"}}}}});
  CHECK(webhook.refusal(review(edited, scala_application())).empty());
  room = base::failure(base::Code::Unavailable, "no answer");
  CHECK(webhook.refusal(review(scala_application())).empty());
}

TEST_CASE("defaults come as a JSON patch, to an update only those it had") {
  Webhook webhook;
  const json terse = with(scala_application(), {{"spec", {{"mode", nullptr}}}});
  CHECK(patched(terse, webhook.mutated(review(terse))) == scala_application());
  CHECK_FALSE(webhook.mutated(review(scala_application())).contains("patch"));
  CHECK(patched(terse, webhook.mutated(review(terse, scala_application()))) == scala_application());
  const json edited = with(terse, {{"spec", {{"arguments", {"x"}}}}});
  CHECK_FALSE(webhook.mutated(review(edited, terse)).contains("patch"));
  CHECK_FALSE(webhook.mutated(review(schedule())).contains("patch"));
}

TEST_CASE("a plain pod is patched or refused") {
  Webhook webhook;
  json pod = {{"kind", "Pod"},
              {"metadata",
               {{"namespace", "jobs"},
                {"labels", {{"spark-role", "driver"}}},
                {"annotations", {{"sparkoperator.k8s.io/secret.s", "/mnt/s"}}}}},
              {"spec", {{"containers", {{{"name", "spark-kubernetes-driver"}}}}}}};
  const json changed = patched(pod, webhook.mutated(review(pod)));
  CHECK(changed["spec"]["volumes"].size() == 1);
  pod["metadata"]["annotations"]["sparkoperator.k8s.io/secret.s"] = "x";
  CHECK(webhook.mutated(review(pod))["allowed"] == false);
}

TEST_CASE("a reply says what was asked about and what became of it, in a handful of words") {
  Webhook webhook;
  const auto said = [](const Reply& reply) { return std::pair(reply.resource, reply.verdict); };
  const json terse = with(scala_application(), {{"spec", {{"mode", nullptr}}}});
  CHECK(said(mutate(review(terse).dump(), webhook.rules)) ==
        std::pair(std::string_view("sparkapplications"), Verdict::Changed));
  CHECK(said(validate(review(schedule()).dump(), webhook.rules)) ==
        std::pair(std::string_view("scheduledsparkapplications"), Verdict::Allowed));
  CHECK(said(validate(review(schedule({{"schedule", "x"}})).dump(), webhook.rules)) ==
        std::pair(std::string_view("scheduledsparkapplications"), Verdict::Refused));
  // A kind of anybody's choice is no label of a metric.
  CHECK(said(validate(review({{"kind", "Stranger"}}).dump(), webhook.rules)) ==
        std::pair(std::string_view("other"), Verdict::Allowed));
  CHECK(said(mutate("{", webhook.rules)) ==
        std::pair(std::string_view("other"), Verdict::NoReview));
}

TEST_CASE("hostile bodies get a short answer") {
  Webhook webhook;
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += '[';
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), deep,
        std::string(kMaxBody + 1, ' '), json{{"kind", "AdmissionReview"}}.dump(),
        json{{"kind", "Pod"}, {"request", {{"uid", "u"}}}}.dump(),
        json{{"kind", "AdmissionReview"}, {"request", 1}}.dump()}) {
    for (const auto& door_of : {validate, mutate}) {
      const Reply reply = door_of(body, webhook.rules);
      CHECK(reply.status == 400);
      CHECK(reply.body.size() < 500);
    }
  }
  // Right around, wrong inside.
  for (const json& object : {json(nullptr), json(1), json::array(), json::object(),
                             json{{"metadata", 1}, {"spec", 1}}, json{{"spec", json::array()}}}) {
    for (const char* kind : {"SparkApplication", "ScheduledSparkApplication", "Pod"}) {
      json one = review(json{{"kind", kind}});
      one["request"]["object"] = object;
      CHECK(validate(one.dump(), webhook.rules).status == 200);
      CHECK(mutate(one.dump(), webhook.rules).status == 200);
    }
  }
}
