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
struct Door {
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

json service(const Door& door, const App& app) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata",
           {{"name", door.service},
            {"namespace", app.ns},
            {"labels", door.labels},
            {"annotations", door.annotations}}},
          {"spec",
           {{"type", door.type},
            {"selector", {{"spark-app-selector", app.id}, {"spark-role", "driver"}}},
            {"ports", json::array({{{"name", door.port_name},
                                    {"port", door.port},
                                    {"targetPort", door.target},
                                    {"protocol", "TCP"}}})}}}};
}

json ingress(const Door& door, const App& app, const Url& url, const std::string& ingress_class) {
  Conf annotations = door.route_annotations;
  if (!url.path.empty())
    annotations.try_emplace("nginx.ingress.kubernetes.io/rewrite-target", "/$2");
  json path = {
      {"path", url.path.empty() ? "/" : url.path + "(/|$)(.*)"},
      {"pathType", "ImplementationSpecific"},
      {"backend", {{"service", {{"name", door.service}, {"port", {{"number", door.port}}}}}}}};
  json rule = {{"host", url.host}, {"http", {{"paths", json::array({std::move(path)})}}}};
  json spec = {{"rules", json::array({std::move(rule)})}};
  if (!door.tls.empty()) spec["tls"] = door.tls;
  if (!ingress_class.empty()) spec["ingressClassName"] = ingress_class;
  return {{"apiVersion", "networking.k8s.io/v1"},
          {"kind", "Ingress"},
          {"metadata",
           {{"name", door.route}, {"namespace", app.ns}, {"annotations", std::move(annotations)}}},
          {"spec", std::move(spec)}};
}

json http_route(const Door& door, const App& app, const Url& url, const std::string& gateway) {
  const size_t slash = gateway.find('/');
  json parent = {{"name", gateway.substr(slash == std::string::npos ? 0 : slash + 1)}};
  if (slash != std::string::npos) parent["namespace"] = gateway.substr(0, slash);
  json match = {{"path", {{"type", "PathPrefix"}, {"value", url.path.empty() ? "/" : url.path}}}};
  json rule = {{"matches", json::array({std::move(match)})},
               {"backendRefs", json::array({{{"name", door.service}, {"port", door.port}}})}};
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
           {{"name", door.route}, {"namespace", app.ns}, {"annotations", door.route_annotations}}},
          {"spec", std::move(spec)}};
}

void read_door(Fields& fields, Door& door) {
  if (const auto port = fields.integer("servicePort")) door.port = *port;
  if (door.port < 1 || door.port > 65535) fields.complain("servicePort", "must be 1 to 65535");
  if (const std::string name = fields.text("servicePortName"); !name.empty()) door.port_name = name;
  door.type = fields.text("serviceType");
  if (door.type.empty()) door.type = "ClusterIP";
  if (door.type != "ClusterIP" && door.type != "NodePort" && door.type != "LoadBalancer")
    fields.complain("serviceType",
                    "must be ClusterIP, NodePort or LoadBalancer, not \"" + door.type + "\"");
  door.labels = fields.text_map("serviceLabels");
  door.annotations = fields.text_map("serviceAnnotations");
  door.route_annotations = fields.text_map("ingressAnnotations");
  door.tls = fields.objects("ingressTLS");
}

// The address that it is reached at; "" without a route.
std::string open_door(const Door& door, const App& app, const Exposure& exposure, Fields& fields,
                      std::vector<json>& objects, std::string& path) {
  objects.push_back(service(door, app));
  if (door.url_format.empty()) return {};
  const Url url = read_url(door.url_format, app, door.tls);
  if (url.host.empty() && exposure.gateway.empty())
    fields.complain("ingressURLFormat", "has no host: \"" + door.url_format + "\"");
  path = url.path;
  objects.push_back(exposure.gateway.empty() ? ingress(door, app, url, exposure.ingress_class)
                                             : http_route(door, app, url, exposure.gateway));
  return url.scheme + "://" + url.host + url.path;
}

WebUi add_ui(Fields& spec, const App& app, const Exposure& exposure, Conf& conf,
             std::vector<json>& objects) {
  if (!spec.has("sparkUIOptions")) return {};
  Fields fields = spec.child("sparkUIOptions");
  const int64_t target = integer_or(conf, "spark.ui.port", 4040).value_or(4040);
  Door door{.service = service_label(app.name + "-ui-svc"),
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
  read_door(fields, door);
  fields.refuse_rest();
  spec.adopt(fields);
  std::string path;
  WebUi ui{.service = door.service, .port = door.port, .route = "", .address = ""};
  ui.address = open_door(door, app, exposure, fields, objects, path);
  if (!ui.address.empty()) ui.route = door.route;
  if (!path.empty()) {
    conf.try_emplace("spark.ui.proxyBase", path);
    conf.try_emplace("spark.ui.proxyRedirectUri", "/");
  }
  return ui;
}

void add_driver_doors(Fields& spec, const App& app, const Exposure& exposure,
                      std::vector<json>& objects) {
  const std::vector<json> list = spec.objects("driverIngressOptions");
  std::set<int64_t> ports;
  for (size_t i = 0; i < list.size(); ++i) {
    const json holder = {{"door", list[i]}};
    Fields fields(holder, "door", spec.path() + ".driverIngressOptions[" + std::to_string(i) + "]");
    Door door;
    read_door(fields, door);
    const std::string port = std::to_string(door.port);
    door.target = door.port;
    door.service = service_label(app.name + "-driver-" + port);
    door.route = service_label(app.name + "-ing-" + port);
    if (door.port_name.empty()) door.port_name = "driver-ing-" + port;
    door.url_format = fields.text("ingressURLFormat");
    if (door.url_format.empty()) fields.complain("ingressURLFormat", "is required");
    if (!ports.insert(door.port).second) fields.complain("servicePort", "is there twice: " + port);
    fields.refuse_rest();
    std::string path;
    open_door(door, app, exposure, fields, objects, path);
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
  add_driver_doors(spec, app, context.exposure, objects);
  return ui;
}

}  // namespace runner::submission
