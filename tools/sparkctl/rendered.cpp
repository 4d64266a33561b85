#include "tools/sparkctl/rendered.h"

#include <algorithm>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "runner/submission/conf.h"

namespace sparkctl {
namespace {

using nlohmann::json;
using runner::submission::SubmitRequest;

std::string pretty(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string stream_of(const std::vector<json>& documents) {
  std::string text;
  for (const json& document : documents) {
    if (!text.empty()) text += "---\n";
    text += base::yaml::dump(document);
  }
  return text;
}

json conf_object(const Rendered& one) {
  const SubmitRequest& request = one.request;
  json object{{"conf", request.conf},
              {"mainApplicationFile", request.main_resource},
              {"arguments", request.arguments}};
  if (!request.name.empty()) object["name"] = request.name;
  if (!request.main_class.empty()) object["mainClass"] = request.main_class;
  if (!request.proxy_user.empty()) object["proxyUser"] = request.proxy_user;
  if (!request.driver_template.is_null()) object["driverTemplate"] = request.driver_template;
  if (request.executor_template) object["executorTemplate"] = *request.executor_template;
  return object;
}

// As a shell reads it back.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word)
    text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string command_of(const Rendered& one) {
  const SubmitRequest& request = one.request;
  std::vector<std::string> lines{"spark-submit"};
  const auto option = [&](const char* name, const std::string& value) {
    if (!value.empty()) lines.push_back(std::string(name) + " " + quoted(value));
  };
  if (!runner::submission::has(request.conf, "spark.submit.deployMode"))
    option("--deploy-mode", "cluster");
  option("--name", request.name);
  option("--class", request.main_class);
  option("--proxy-user", request.proxy_user);
  for (const auto& [key, value] : request.conf)
    lines.push_back("--conf " + quoted(key + "=" + value));
  std::string last = quoted(request.main_resource);
  for (const std::string& argument : request.arguments)
    last += " " + quoted(argument);
  lines.push_back(last);
  std::string text = "# " + one.title + "\n";
  if (request.executor_template || !request.driver_template.is_null())
    text += "# besides, pod templates hold what no setting can say: -o yaml shows them\n";
  for (size_t i = 0; i < lines.size(); ++i)
    text += (i == 0 ? "" : " \\\n  ") + lines[i];
  return text + "\n";
}

}  // namespace

std::string objects_text(const std::vector<Rendered>& all, Output output) {
  std::vector<json> objects;
  for (const Rendered& one : all)
    objects.insert(objects.end(), one.objects.begin(), one.objects.end());
  if (output == Output::Json)
    return pretty({{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}});
  if (output != Output::Name) return stream_of(objects);
  std::string names;
  for (const json& object : objects) {
    std::string kind = base::string_at(object, {"kind"});
    std::transform(kind.begin(), kind.end(), kind.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    names += kind + "/" + base::string_at(object, {"metadata", "name"}) + "\n";
  }
  return names;
}

std::string conf_text(const std::vector<Rendered>& all, Output output) {
  if (output == Output::Json || output == Output::Yaml) {
    std::vector<json> objects;
    for (const Rendered& one : all)
      objects.push_back(conf_object(one));
    if (output == Output::Yaml) return stream_of(objects);
    return pretty(objects.size() == 1 ? objects.front() : json(objects));
  }
  std::string text;
  for (const Rendered& one : all)
    text += command_of(one);
  return text;
}

}  // namespace sparkctl
