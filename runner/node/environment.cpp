#include "runner/node/environment.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;

bool is_optional(const Json& reference) {
  return base::bool_at(reference, {"optional"}).value_or(false);
}

base::Result<std::optional<std::string>> from_key(const Json& reference, const char* kind,
                                                  base::Result<std::optional<Data>> data) {
  RETURN_IF_ERROR(data);
  const std::string key = base::string_at(reference, {"key"});
  if (*data) {
    if (const auto found = (*data)->find(key); found != (*data)->end()) return found->second;
  }
  if (is_optional(reference)) return std::optional<std::string>();
  return failure(Code::NotFound, "key \"" + key + "\" not found in " + kind + " \"" +
                                     base::string_at(reference, {"name"}) + "\"");
}

// nullopt: an optional source that is not there; the variable is not set.
base::Result<std::optional<std::string>> value_from(const Json& source, const Json& container,
                                                    Sources& sources) {
  if (const Json* field = base::find(source, {"fieldRef"}))
    return sources.field(base::string_at(*field, {"fieldPath"}));
  if (const Json* resource = base::find(source, {"resourceFieldRef"}))
    return sources.resource(container, base::string_at(*resource, {"resource"}),
                            base::string_at(*resource, {"divisor"}));
  if (const Json* key = base::find(source, {"configMapKeyRef"}))
    return from_key(*key, "configmap",
                    sources.config_map(base::string_at(*key, {"name"}), is_optional(*key)));
  if (const Json* key = base::find(source, {"secretKeyRef"}))
    return from_key(*key, "secret",
                    sources.secret(base::string_at(*key, {"name"}), is_optional(*key)));
  return failure(Code::InvalidArgument, "valueFrom has no source that is supported");
}

bool is_variable_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         name.find('=') == std::string::npos && name.find('\0') == std::string::npos;
}

base::Status add_all(const Json& entry, Sources& sources, Environment& environment) {
  const std::string prefix = base::string_at(entry, {"prefix"});
  const Json* map = base::find(entry, {"configMapRef"});
  const Json* secret = base::find(entry, {"secretRef"});
  const Json* reference = map != nullptr ? map : secret;
  if (reference == nullptr) return {};
  const std::string name = base::string_at(*reference, {"name"});
  ASSIGN_OR_RETURN(const std::optional<Data> data,
                   map != nullptr ? sources.config_map(name, is_optional(*reference))
                                  : sources.secret(name, is_optional(*reference)));
  if (!data) return {};
  for (const auto& [key, value] : *data)
    if (is_variable_name(prefix + key)) environment[prefix + key] = value;
  return {};
}

}  // namespace

std::string expand(std::string_view text, const Environment& environment) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$' || at + 1 >= text.size()) {
      result += text[at];
      continue;
    }
    if (text[at + 1] == '$') {
      result += '$';
      ++at;
      continue;
    }
    const size_t close = text[at + 1] == '(' ? text.find(')', at + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      result += text[at];
      continue;
    }
    const auto found = environment.find(std::string(text.substr(at + 2, close - at - 2)));
    result +=
        found != environment.end() ? found->second : std::string(text.substr(at, close - at + 1));
    at = close;
  }
  return result;
}

base::Result<Environment> build_environment(const Json& container, Sources& sources,
                                            const PathMap& paths, const Environment& chosen,
                                            const Environment& forced) {
  // $(NAME) sees the pod's own variables only, not those that the node chose.
  Environment own;
  if (const Json* from = base::find(container, {"envFrom"}); from != nullptr && from->is_array())
    for (const Json& entry : *from)
      RETURN_IF_ERROR(add_all(entry, sources, own));
  if (const Json* env = base::find(container, {"env"}); env != nullptr && env->is_array()) {
    for (const Json& entry : *env) {
      const std::string name = base::string_at(entry, {"name"});
      if (!is_variable_name(name))
        return failure(Code::InvalidArgument, "\"" + name + "\" is not a name of a variable");
      if (const Json* source = base::find(entry, {"valueFrom"});
          source != nullptr && !source->is_null()) {
        ASSIGN_OR_RETURN(std::optional<std::string> value, value_from(*source, container, sources));
        if (value) own[name] = std::move(*value);
      } else {
        own[name] = expand(base::string_at(entry, {"value"}), own);
      }
    }
  }
  Environment environment = chosen;
  for (const auto& [name, value] : own) {
    if (value.find('\0') != std::string::npos)
      return failure(Code::InvalidArgument, "the value of " + name + " holds a zero byte");
    environment[name] = paths.rewrite(value);
  }
  for (const auto& [name, value] : forced)
    environment[name] = value;
  return environment;
}

std::vector<std::string> to_strings(const Environment& environment) {
  std::vector<std::string> strings;
  for (const auto& [name, value] : environment)
    strings.push_back(name + "=" + value);
  return strings;
}

}  // namespace runner::node
