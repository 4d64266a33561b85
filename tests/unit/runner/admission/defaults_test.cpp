#include "runner/admission/defaults.h"

#include "runner/application.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::admission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

// As terse as the schema lets it be.
json terse() {
  return with(
      scala_application(),
      {{"spec",
        {{"mode", nullptr},
         {"restartPolicy", nullptr},
         {"driver", {{"cores", nullptr}, {"memory", nullptr}}},
         {"executor", {{"cores", nullptr}, {"memory", nullptr}, {"instances", nullptr}}}}}});
}

}  // namespace

TEST_CASE("an application gets the defaults of the Kubeflow operator") {
  struct Case {
    const char* what;
    json spec;
    ServiceConf service;
    json added;  // a merge patch of spec
  };
  const json all = {{"mode", "cluster"},
                    {"restartPolicy", {{"type", "Never"}}},
                    {"driver", {{"cores", 1}, {"memory", "1g"}}},
                    {"executor", {{"cores", 1}, {"memory", "1g"}, {"instances", 1}}}};
  const auto but = [&all](const json& changes) { return with(all, changes); };
  const Case cases[] = {
      {"nothing is written", json::object(), {}, all},
      {"retries",
       {{"restartPolicy", {{"type", "OnFailure"}, {"onFailureRetries", 3}}}},
       {},
       but({{"restartPolicy",
             {{"type", "OnFailure"},
              {"onSubmissionFailureRetryInterval", 5},
              {"onFailureRetryInterval", 5}}}})},
      {"sparkConf says it",
       {{"sparkConf",
         {{"spark.driver.memory", "2g"},
          {"spark.executor.cores", "2"},
          {"spark.executor.instances", "3"}}}},
       {},
       but({{"driver", {{"memory", nullptr}}},
            {"executor", {{"cores", nullptr}, {"instances", nullptr}}}})},
      {"the service says it",
       json::object(),
       {{"spark.driver.cores", "2"}, {"spark.executor.memory", "4g"}},
       but({{"driver", {{"cores", nullptr}}}, {"executor", {{"memory", nullptr}}}})},
      {"dynamic allocation",
       {{"dynamicAllocation", {{"enabled", true}}}},
       {},
       but({{"executor", {{"instances", nullptr}}},
            {"dynamicAllocation", {{"shuffleTrackingEnabled", true}}}})},
      {"dynamic allocation of the service",
       json::object(),
       {{"spark.dynamicAllocation.enabled", "true"}},
       but({{"executor", {{"instances", nullptr}}}})},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.what) {
      const json before = with(terse(), {{"spec", c.spec}});
      const json after = with_defaults(before, c.service);
      CHECK(after == with(before, {{"spec", c.added}}));
      // They say what is done anyway.
      auto where = context();
      where.default_conf = c.service;
      const auto first = must_build(before, where);
      const auto second = must_build(after, where);
      CHECK(first.driver_pod == second.driver_pod);
      CHECK(first.before_pod == second.before_pod);
      CHECK(with_defaults(after, c.service) == after);
    }
  }
}

TEST_CASE("what is missing or has a wrong type is left for the CRD to refuse") {
  const json others = {{"mode", "cluster"}, {"restartPolicy", {{"type", "Never"}}}};
  struct Case {
    json spec;
    json after;
  };
  const Case cases[] = {
      {"text", "text"},
      {json::object(), others},
      {{{"driver", 1}}, with(others, {{"driver", 1}})},
      {{{"restartPolicy", json::array()}}, {{"mode", "cluster"}, {"restartPolicy", json::array()}}},
      {{{"dynamicAllocation", true}}, with(others, {{"dynamicAllocation", true}})},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.spec.dump()) {
      CHECK(with_defaults({{"spec", c.spec}}, {})["spec"] == c.after);
    }
  }
}

TEST_CASE("an update keeps the defaults that the object had and gets no others") {
  const json old = with_defaults(terse(), {});
  // kubectl replace with the manifest as people wrote it.
  const json replaced = with_kept_defaults(terse(), old, {});
  CHECK(replaced == old);
  CHECK(runner::read_application(replaced).spec_hash == runner::read_application(old).spec_hash);

  // A finished application from before there was a webhook.
  CHECK(with_kept_defaults(terse(), terse(), {}) == terse());

  // What people changed stays changed.
  const json other = with(old, {{"spec", {{"driver", {{"memory", "2g"}}}}}});
  const json mended = with_kept_defaults(terse(), other, {});
  CHECK_FALSE(mended["spec"]["driver"].contains("memory"));
  CHECK(mended["spec"]["mode"] == "cluster");
}
