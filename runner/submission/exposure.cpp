#include "runner/submission/exposure.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/stable_hash.h"
#include "runner/submission/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

// One Service and what is in front of it.
struct ExposedPort {
  std::string service;
  std::string route;  // of an Ingress or HTTPRoute
  std::string type;
  std::string port_name;
  int64_t port = 0;
  int64_t target = 0;
  Conf labels;
  Conf annotations;
  Conf route_annotations;
  json tls;
  std::string url_format;
};

struct Url {
  std::string scheme;
  std::string host;
  std::string path;  // "" or "/x/y", without '/' at its end
};

struct App {
  std::string name;
  std::string ns;
  std::string id;
};

// A Service's name begins with a letter. The hash keeps "1x" apart from one that is called "x-1x".
std::string service_label(const std::string& wanted) {
  const std::string name = volume_name(wanted);
  const bool digit = !name.empty() && name.front() >= '0' && name.front() <= '9';
  return digit ? volume_name("x" + base::short_hash(wanted) + "-" + wanted) : name;
}

Url read_url(std::string text, const App& app, const json& tls) {
  text = replace_all(std::move(text), "{{$appName}}", app.name);
  text = replace_all(std::move(text), "{{$appNamespace}}", app.ns);
  text = replace_all(std::move(text), "{{$appId}}", app.id);
  Url url;
  url.scheme = tls.empty() ? "http" : "https";
  if (const size_t end = text.find("://"); end != std::string::npos) {
    url.scheme = text.substr(0, end);
    text.erase(0, end + 3);
  }
  const size_t slash = std::min(text.find('/'), text.size());
  url.host = text.substr(0, slash);
  url.path = text.substr(slash);
  while (url.path.ends_with('/'))
    url.path.pop_back();
  return url;
}

json service(const ExposedPort& exposed, const App& app) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata",
           {{"name", exposed.service},
            {"namespace", app.ns},
            {"labels", exposed.labels},
            {"annotations", exposed.annotations}}},
          {"spec",
           {{"type", exposed.type},
            {"selector", {{"spark-app-selector", app.id}, {"spark-role", "driver"}}},
            {"ports", json::array({{{"name", exposed.port_name},
                                    {"port", exposed.port},
                                    {"targetPort", exposed.target},
                                    {"protocol", "TCP"}}})}}}};
}

json ingress(const ExposedPort& exposed, const App& app, const Url& url,
             const std::string& ingress_class) {
  Conf annotations = exposed.route_annotations;
  if (!url.path.empty())
    annotations.try_emplace("nginx.ingress.kubernetes.io/rewrite-target", "/$2");
  json path = {{"path", url.path.empty() ? "/" : url.path + "(/|$)(.*)"},
               {"pathType", "ImplementationSpecific"},
               {"backend",
                {{"service", {{"name", exposed.service}, {"port", {{"number", exposed.port}}}}}}}};
  json rule = {{"host", url.host}, {"http", {{"paths", json::array({std::move(path)})}}}};
  json spec = {{"rules", json::array({std::move(rule)})}};
  if (!exposed.tls.empty()) spec["tls"] = exposed.tls;
  if (!ingress_class.empty()) spec["ingressClassName"] = ingress_class;
  return {
      {"apiVersion", "networking.k8s.io/v1"},
      {"kind", "Ingress"},
      {"metadata",
       {{"name", exposed.route}, {"namespace", app.ns}, {"annotations", std::move(annotations)}}},
      {"spec", std::move(spec)}};
}

json http_route(const ExposedPort& exposed, const App& app, const Url& url,
                const std::string& gateway) {
  const size_t slash = gateway.find('/');
  json parent = {{"name", gateway.substr(slash == std::string::npos ? 0 : slash + 1)}};
  if (slash != std::string::npos) parent["namespace"] = gateway.substr(0, slash);
  json match = {{"path", {{"type", "PathPrefix"}, {"value", url.path.empty() ? "/" : url.path}}}};
  json rule = {{"matches", json::array({std::move(match)})},
               {"backendRefs", json::array({{{"name", exposed.service}, {"port", exposed.port}}})}};
  if (!url.path.empty()) {
    rule["filters"] = json::array(
        {{{"type", "URLRewrite"},
          {"urlRewrite",
           {{"path", {{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", "/"}}}}}}});
  }
  json spec = {{"parentRefs", json::array({std::move(parent)})},
               {"rules", json::array({std::move(rule)})}};
  if (!url.host.empty()) spec["hostnames"] = json::array({url.host});
  return {{"apiVersion", "gateway.networking.k8s.io/v1"},
          {"kind", "HTTPRoute"},
          {"metadata",
           {{"name", exposed.route},
            {"namespace", app.ns},
            {"annotations", exposed.route_annotations}}},
          {"spec", std::move(spec)}};
}

void read_exposed_port(Fields& fields, ExposedPort& exposed) {
  if (const auto port = fields.integer("servicePort")) exposed.port = *port;
  if (exposed.port < 1 || exposed.port > 65535)
    fields.complain("servicePort", "must be 1 to 65535");
  if (const std::string name = fields.text("servicePortName"); !name.empty())
    exposed.port_name = name;
  exposed.type = fields.text("serviceType");
  if (exposed.type.empty()) exposed.type = "ClusterIP";
  if (exposed.type != "ClusterIP" && exposed.type != "NodePort" && exposed.type != "LoadBalancer")
    fields.complain("serviceType",
                    "must be ClusterIP, NodePort or LoadBalancer, not \"" + exposed.type + "\"");
  exposed.labels = fields.text_map("serviceLabels");
  exposed.annotations = fields.text_map("serviceAnnotations");
  exposed.route_annotations = fields.text_map("ingressAnnotations");
  exposed.tls = fields.objects("ingressTLS");
}

// The address that it is reached at; "" without a route.
std::string expose(const ExposedPort& exposed, const App& app, const Exposure& exposure,
                   Fields& fields, std::vector<json>& objects, std::string& path) {
  objects.push_back(service(exposed, app));
  if (exposed.url_format.empty()) return {};
  const Url url = read_url(exposed.url_format, app, exposed.tls);
  if (url.host.empty() && exposure.gateway.empty())
    fields.complain("ingressURLFormat", "has no host: \"" + exposed.url_format + "\"");
  path = url.path;
  objects.push_back(exposure.gateway.empty() ? ingress(exposed, app, url, exposure.ingress_class)
                                             : http_route(exposed, app, url, exposure.gateway));
  return url.scheme + "://" + url.host + url.path;
}

WebUi add_ui(Fields& spec, const App& app, const Exposure& exposure, Conf& conf,
             std::vector<json>& objects) {
  if (!spec.has("sparkUIOptions")) return {};
  Fields fields = spec.child("sparkUIOptions");
  const int64_t target = integer_or(conf, "spark.ui.port", 4040).value_or(4040);
  ExposedPort exposed{.service = service_label(app.name + "-ui-svc"),
                      .route = service_label(app.name + "-ui-ingress"),
                      .type = "",
                      .port_name = "spark-driver-ui-port",
                      .port = target,
                      .target = target,
                      .labels = {},
                      .annotations = {},
                      .route_annotations = {},
                      .tls = {},
                      .url_format = exposure.ui_url_format};
  read_exposed_port(fields, exposed);
  fields.refuse_rest();
  spec.adopt(fields);
  std::string path;
  WebUi ui{.service = exposed.service, .port = exposed.port, .route = "", .address = ""};
  ui.address = expose(exposed, app, exposure, fields, objects, path);
  if (!ui.address.empty()) ui.route = exposed.route;
  if (!path.empty()) {
    conf.try_emplace("spark.ui.proxyBase", path);
    conf.try_emplace("spark.ui.proxyRedirectUri", "/");
  }
  return ui;
}

void add_driver_ports(Fields& spec, const App& app, const Exposure& exposure,
                      std::vector<json>& objects) {
  const std::vector<json> list = spec.objects("driverIngressOptions");
  std::set<int64_t> ports;
  for (size_t i = 0; i < list.size(); ++i) {
    const json holder = {{"exposed", list[i]}};
    Fields fields(holder, "exposed",
                  spec.path() + ".driverIngressOptions[" + std::to_string(i) + "]");
    ExposedPort exposed;
    read_exposed_port(fields, exposed);
    const std::string port = std::to_string(exposed.port);
    exposed.target = exposed.port;
    exposed.service = service_label(app.name + "-driver-" + port);
    exposed.route = service_label(app.name + "-ing-" + port);
    if (exposed.port_name.empty()) exposed.port_name = "driver-ing-" + port;
    exposed.url_format = fields.text("ingressURLFormat");
    if (exposed.url_format.empty()) fields.complain("ingressURLFormat", "is required");
    if (!ports.insert(exposed.port).second)
      fields.complain("servicePort", "is there twice: " + port);
    fields.refuse_rest();
    std::string path;
    expose(exposed, app, exposure, fields, objects, path);
    spec.adopt(fields);
  }
}

}  // namespace

WebUi add_exposure(Fields& spec, const json& application, const Context& context, Conf& conf,
                   std::vector<json>& objects) {
  const App app{.name = base::string_at(application, {"metadata", "name"}),
                .ns = base::string_at(application, {"metadata", "namespace"}),
                .id = context.app_id};
  const WebUi ui = add_ui(spec, app, context.exposure, conf, objects);
  add_driver_ports(spec, app, context.exposure, objects);
  return ui;
}

}  // namespace runner::submission
