#include <map>
#include <string>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

json with_keytab(const std::string& keytab, const json& conf = json::object()) {
  json all = {{"spark.kerberos.keytab", keytab}, {"spark.kerberos.principal", "user@REALM"}};
  all.update(conf);
  return with(scala_application(), {{"spec", {{"sparkConf", all}}}});
}

json mounted(const json& application) {
  const json secrets = json::array({{{"name", "krb"}, {"path", "/etc/krb"}}});
  return with(application, {{"spec", {{"driver", {{"secrets", secrets}}}}}});
}

}  // namespace

TEST_CASE("a keytab that the driver mounts is a file of its pod") {
  const Submission built = must_build(mounted(with_keytab("/etc/krb/user.keytab")));
  CHECK(properties(built).at("spark.kerberos.keytab") == "local:///etc/krb/user.keytab");
  const Submission by_conf = must_build(
      with_keytab("/etc/krb/user.keytab", {{"spark.kubernetes.driver.secrets.krb", "/etc/krb/"}}));
  CHECK(properties(by_conf).at("spark.kerberos.keytab") == "local:///etc/krb/user.keytab");
  CHECK_THAT(refusal(with_keytab("/etc/user.keytab")),
             Catch::Contains("spark.kerberos.keytab names a file of the submitting machine"));
}

TEST_CASE("a keytab on a machine is a plain path: Spark would not log in with another") {
  for (const char* keytab : {"/etc/krb/user.keytab", "local:///etc/krb/user.keytab",
                             "file:///etc/krb/user.keytab", "file:/etc/krb/user.keytab"}) {
    const Submission of_machine = must_build(with_keytab(keytab), on_a_machine());
    CHECK(properties(of_machine).at("spark.kerberos.keytab") == "/etc/krb/user.keytab");
    CHECK(of_machine.warnings.empty());
    const Submission of_secret = must_build(mounted(with_keytab(keytab)), on_a_machine());
    CHECK(properties(of_secret).at("spark.kerberos.keytab") == "/etc/krb/user.keytab");
  }
  CHECK_THAT(refusal(with_keytab("user.keytab"), on_a_machine()),
             Catch::Contains("spark.kerberos.keytab names a file of the submitting machine"));
}

// Spark logged in only where executors are pods; the keytab had no effect elsewhere.
TEST_CASE("Hadoop on a machine is told how to log in") {
  using Variables = std::map<std::string, std::string>;
  const auto variables = [](const json& application, const Context& where) {
    Variables found;
    const Submission built = must_build(application, where);
    for (const json& one : driver_container(built)["env"])
      if (const auto name = one["name"].get<std::string>(); name.starts_with("KRB5"))
        found[name] = one.value("value", "");
    return found;
  };
  const json application = mounted(with_keytab("/etc/krb/user.keytab"));
  CHECK(variables(application, on_a_machine()) ==
        Variables{{"KRB5PRINCIPAL", "user@REALM"}, {"KRB5KEYTAB", "/etc/krb/user.keytab"}});
  // In a cluster executors are pods, and objects are as spark-submit makes them.
  CHECK(variables(application, context()).empty());
  const json own = json::array({{{"name", "KRB5KEYTAB"}, {"value", "/own"}}});
  const json chosen = with(application, {{"spec", {{"driver", {{"env", own}}}}}});
  CHECK(variables(chosen, on_a_machine()) ==
        Variables{{"KRB5PRINCIPAL", "user@REALM"}, {"KRB5KEYTAB", "/own"}});
  const json old_words = {{"spec", {{"driver", {{"envVars", {{"KRB5PRINCIPAL", "me"}}}}}}}};
  CHECK(variables(with(application, old_words), on_a_machine())["KRB5PRINCIPAL"] == "me");
  const json from = json::array({{{"secretRef", {{"name", "krb"}}}}});
  CHECK(variables(with(application, {{"spec", {{"driver", {{"envFrom", from}}}}}}), on_a_machine())
            .empty());
  const json by_ticket = with(scala_application(), {{"spec", {{"sparkConf", {{"a.b", "c"}}}}}});
  CHECK(variables(by_ticket, on_a_machine()).empty());
}

TEST_CASE("Java on a machine is told where its krb5.conf is") {
  const char* const kOptions = "spark.driver.extraJavaOptions";
  const Submission by_path =
      must_build(with_keytab("/k", {{"spark.kubernetes.kerberos.krb5.path", "/srv/krb5.conf"}}),
                 on_a_machine());
  CHECK(properties(by_path).at(kOptions) == "-Djava.security.krb5.conf=/srv/krb5.conf");
  CHECK(by_path.warnings.empty());
  const Submission by_map = must_build(
      with_keytab("/k",
                  {{"spark.kubernetes.kerberos.krb5.configMapName", "krb"}, {kOptions, "-Da=b"}}),
      on_a_machine());
  CHECK(properties(by_map).at(kOptions) == "-Da=b -Djava.security.krb5.conf=/etc/krb5.conf");
  CHECK(by_map.warnings.empty());
  const Submission chosen =
      must_build(with_keytab("/k", {{"spark.kubernetes.kerberos.krb5.configMapName", "krb"},
                                    {kOptions, "-Djava.security.krb5.conf=/own"}}),
                 on_a_machine());
  CHECK(properties(chosen).at(kOptions) == "-Djava.security.krb5.conf=/own");
  // A pod of a cluster mounts it where Java looks.
  const Submission in_pod = must_build(
      with_keytab("local:///k", {{"spark.kubernetes.kerberos.krb5.configMapName", "krb"}}));
  CHECK_FALSE(properties(in_pod).contains(kOptions));
}
