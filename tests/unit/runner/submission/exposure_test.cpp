// Spark's UI and other ports of a driver, outside of its run.

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

Submission built_with(const json& spec, const Exposure& exposure = {}) {
  Context where = context();
  where.exposure = exposure;
  return must_build(with(scala_application(), {{"spec", spec}}), where);
}

}  // namespace

TEST_CASE("a UI gets a Service that finds the driver of its own attempt") {
  const Submission built = built_with({{"sparkConf", {{"spark.ui.port", "4050"}}},
                                       {"sparkUIOptions",
                                        {{"servicePort", 80},
                                         {"servicePortName", "ui"},
                                         {"serviceType", "NodePort"},
                                         {"serviceLabels", {{"team", "a"}}},
                                         {"serviceAnnotations", {{"note", "b"}}}}}});
  const json& service = object(built, "Service", "pi-ui-svc");
  CHECK(service["metadata"]["labels"] == json({{"team", "a"}}));
  CHECK(service["metadata"]["annotations"] == json({{"note", "b"}}));
  CHECK(service["spec"]["type"] == "NodePort");
  CHECK(service["spec"]["ports"] ==
        json::array({{{"name", "ui"}, {"port", 80}, {"targetPort", 4050}, {"protocol", "TCP"}}}));
  REQUIRE(service["spec"]["selector"].size() == 2);
  for (const auto& [key, value] : service["spec"]["selector"].items())
    CHECK(built.driver_pod["metadata"]["labels"][key] == value);
  CHECK(built.web_ui.service == "pi-ui-svc");
  CHECK(built.web_ui.port == 80);
  CHECK(built.web_ui.address.empty());
}

TEST_CASE("a UI's Ingress has the service's URL format, and Spark is told its path") {
  const Submission built =
      built_with({{"sparkUIOptions",
                   {{"ingressTLS", json::array({{{"hosts", {"example.com"}}}})},
                    {"ingressAnnotations", {{"a", "b"}}}}}},
                 {.ui_url_format = "example.com/{{$appNamespace}}/{{$appId}}",
                  .ingress_class = "nginx",
                  .gateway = ""});
  const std::string path = "/jobs/" + context().app_id;
  const json& spec = object(built, "Ingress", "pi-ui-ingress")["spec"];
  CHECK(spec["ingressClassName"] == "nginx");
  CHECK(spec["tls"] == json::array({{{"hosts", {"example.com"}}}}));
  const json& rule = spec["rules"][0];
  CHECK(rule["host"] == "example.com");
  const json& first = rule["http"]["paths"][0];
  CHECK(first["path"] == path + "(/|$)(.*)");
  CHECK(first["backend"]["service"]["name"] == "pi-ui-svc");
  CHECK(first["backend"]["service"]["port"]["number"] == 4040);
  const json& annotations = object(built, "Ingress", "pi-ui-ingress")["metadata"]["annotations"];
  CHECK(annotations == json({{"a", "b"}, {"nginx.ingress.kubernetes.io/rewrite-target", "/$2"}}));
  CHECK(properties(built).at("spark.ui.proxyBase") == path);
  CHECK(properties(built).at("spark.ui.proxyRedirectUri") == "/");
  CHECK(built.web_ui.route == "pi-ui-ingress");
  CHECK(built.web_ui.address == "https://example.com" + path);
}

TEST_CASE("where the service names a Gateway, routes go there") {
  const Submission built = built_with(
      {{"sparkUIOptions", json::object()},
       {"driverIngressOptions",
        json::array({{{"servicePort", 8080},
                      {"servicePortName", "api"},
                      {"ingressURLFormat", "http://api.example.com/x/"}}})}},
      {.ui_url_format = "{{$appName}}.example.com", .ingress_class = "", .gateway = "infra/web"});
  const json& ui = object(built, "HTTPRoute", "pi-ui-ingress")["spec"];
  CHECK(ui["parentRefs"] == json::array({{{"name", "web"}, {"namespace", "infra"}}}));
  CHECK(ui["hostnames"] == json::array({"pi.example.com"}));
  CHECK_FALSE(ui["rules"][0].contains("filters"));
  CHECK_FALSE(properties(built).contains("spark.ui.proxyBase"));
  const json& api = object(built, "HTTPRoute", "pi-ing-8080")["spec"]["rules"][0];
  CHECK(api["matches"][0]["path"] == json({{"type", "PathPrefix"}, {"value", "/x"}}));
  CHECK(api["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"] == "/");
  CHECK(api["backendRefs"] == json::array({{{"name", "pi-driver-8080"}, {"port", 8080}}}));
}

TEST_CASE("two applications that differ in what a Service cannot begin with share no Service") {
  const auto service_of = [](const std::string& name) {
    json application = with(scala_application(), {{"metadata", {{"name", name}}}});
    application["spec"]["sparkUIOptions"] = {{"servicePort", 4040}};
    return must_build(application).web_ui.service;
  };
  CHECK_THAT(service_of("1x"), Catch::EndsWith("-1x-ui-svc"));
  CHECK(service_of("1x").front() == 'x');
  CHECK(service_of("1x") != service_of("x-1x"));
}

TEST_CASE("a port of the driver gets a Service and an Ingress of its own") {
  const Submission built = built_with(
      {{"driverIngressOptions",
        json::array({{{"servicePort", 8080}, {"ingressURLFormat", "{{$appName}}.example.com"}},
                     {{"servicePort", 9090}, {"ingressURLFormat", "other.example.com"}}})}});
  const json& port = object(built, "Service", "pi-driver-8080")["spec"]["ports"][0];
  CHECK(port["name"] == "driver-ing-8080");
  CHECK(port["targetPort"] == 8080);
  const json& rule = object(built, "Ingress", "pi-ing-8080")["spec"]["rules"][0];
  CHECK(rule["host"] == "pi.example.com");
  CHECK(rule["http"]["paths"][0]["path"] == "/");
  CHECK(object(built, "Ingress", "pi-ing-9090")["spec"]["rules"][0]["host"] == "other.example.com");
  const json twice = json::array({{{"servicePort", 1}, {"ingressURLFormat", "a.example.com"}},
                                  {{"servicePort", 1}, {"ingressURLFormat", "b.example.com"}}});
  CHECK(refusal(with(scala_application(), {{"spec", {{"driverIngressOptions", twice}}}})) ==
        "spec.driverIngressOptions[1].servicePort is there twice: 1");
}
