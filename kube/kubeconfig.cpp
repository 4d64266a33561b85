#include "kube/kubeconfig.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"
#include "base/json.h"
#include "base/yaml/yaml.h"
#include "kube/exec_credential.h"
#include "kube/token_file.h"

namespace kube {
namespace {

using base::Code;
using base::http::Credential;
using nlohmann::json;

constexpr size_t kMaxFile = size_t{4} << 20;

// A named entry and the file that it came from, to which its paths are relative.
struct Entry {
  json value;
  std::string file;

  [[nodiscard]] std::string text(const char* field) const {
    return base::string_at(value, {field});
  }
  [[nodiscard]] bool flag(const char* field) const {
    return base::bool_at(value, {field}).value_or(false);
  }
  [[nodiscard]] std::string path(const char* field) const {
    const std::filesystem::path given = text(field);
    return (std::filesystem::path(file).parent_path() / given).string();
  }
};

class Merged {
 public:
  base::Status add(const std::string& file) {
    ASSIGN_OR_RETURN(const std::string text, base::read_file(file, kMaxFile));
    const auto parsed = base::yaml::parse(text);
    if (!parsed) return base::failure(parsed.error().with_context(file));
    if (!parsed->is_object() && !parsed->is_null()) {
      return base::failure(Code::InvalidArgument, file + ": not a kubeconfig");
    }
    if (current_.empty()) current_ = base::string_at(*parsed, {"current-context"});
    for (const char* kind : {"clusters", "users", "contexts"})
      add_entries(*parsed, kind, file);
    return {};
  }

  [[nodiscard]] const std::string& current() const { return current_; }
  // `kind`: "contexts"; `field`: what stands in such an entry.
  [[nodiscard]] base::Result<Entry> find(const char* kind, const char* field,
                                         const std::string& name) const {
    const auto found = entries_.find({kind, name});
    if (found == entries_.end()) {
      return base::failure(Code::InvalidArgument,
                           "kubeconfig has no " + std::string(field) + " \"" + name + "\"");
    }
    const json* value = base::find(found->second.value, {field});
    if (value == nullptr || !value->is_object()) {
      return Entry{.value = json::object(), .file = found->second.file};
    }
    return Entry{.value = *value, .file = found->second.file};
  }

 private:
  void add_entries(const json& config, const char* kind, const std::string& file) {
    const json* list = base::find(config, {kind});
    if (list == nullptr || !list->is_array()) return;
    for (const json& entry : *list) {
      std::string name = base::string_at(entry, {"name"});
      entries_.emplace(std::pair(std::string(kind), std::move(name)),
                       Entry{.value = entry, .file = file});
    }
  }

  std::string current_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
};

// "x-data" holds base64, "x" names a file; data wins. Empty when neither is there.
base::Result<std::string> data_or_file(const Entry& entry, const std::string& field) {
  if (const std::string data = entry.text((field + "-data").c_str()); !data.empty()) {
    auto decoded = base::decode_base64(data);
    if (!decoded) {
      return base::failure(Code::InvalidArgument, entry.file + ": " + field + "-data: not base64");
    }
    return std::move(*decoded);
  }
  if (entry.text(field.c_str()).empty()) return std::string();
  auto text = base::read_file(entry.path(field.c_str()), kMaxFile);
  if (!text) return base::failure(text.error().with_context(entry.file + ": " + field));
  return text;
}

bool is_in_file(const Entry& entry, const std::string& field) {
  return entry.text((field + "-data").c_str()).empty() && !entry.text(field.c_str()).empty();
}

base::Status set_cluster(const Entry& cluster, base::http::ClientOptions& client) {
  client.base_url = cluster.text("server");
  if (client.base_url.empty()) {
    return base::failure(Code::InvalidArgument, cluster.file + ": the cluster has no server");
  }
  while (client.base_url.ends_with('/'))
    client.base_url.pop_back();
  client.insecure_skip_tls_verify = cluster.flag("insecure-skip-tls-verify");
  client.tls_server_name = cluster.text("tls-server-name");
  client.proxy = cluster.text("proxy-url");
  ASSIGN_OR_RETURN(client.ca_pem, data_or_file(cluster, "certificate-authority"));
  if (is_in_file(cluster, "certificate-authority")) {
    ASSIGN_OR_RETURN(client.ca, text_from_file(cluster.path("certificate-authority")));
  }
  return {};
}

base::Status refuse_unsupported(const Entry& user, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    return base::failure(Code::Unimplemented,
                         user.file + ": user \"" + name + "\" uses " + what +
                             ", which is not supported; use a token, a client certificate or a "
                             "service account");
  };
  if (user.value.contains("auth-provider")) {
    return refuse("an auth provider (" + base::string_at(user.value, {"auth-provider", "name"}) +
                  ")");
  }
  for (const char* field : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    if (user.value.contains(field)) return refuse("impersonation");
  }
  return {};
}

// What a plugin that asks for it is told of the cluster, in the API's own names.
std::string cluster_info(const Entry& cluster, const base::http::ClientOptions& client) {
  json info{{"server", client.base_url}};
  if (!client.tls_server_name.empty()) info["tls-server-name"] = client.tls_server_name;
  if (client.insecure_skip_tls_verify) info["insecure-skip-tls-verify"] = true;
  if (!client.ca_pem.empty())
    info["certificate-authority-data"] = base::encode_base64(client.ca_pem);
  if (!client.proxy.empty()) info["proxy-url"] = client.proxy;
  const json* extensions = base::find(cluster.value, {"extensions"});
  if (extensions != nullptr && extensions->is_array())
    for (const json& one : *extensions)
      if (base::string_at(one, {"name"}) == "client.authentication.k8s.io/exec" &&
          one.contains("extension"))
        info["config"] = one["extension"];
  return base::dump_json(info);
}

base::Status set_exec_plugin(const Entry& user, const std::string& name, const Entry& cluster,
                             Connection& connection) {
  base::http::ClientOptions& client = connection.client;
  const auto refuse = [&](Code code, const std::string& what) {
    return base::failure(code, user.file + ": user \"" + name + "\": exec" + what);
  };
  const json& exec = user.value.at("exec");
  ExecPlugin plugin{.api_version = base::string_at(exec, {"apiVersion"}),
                    .command = base::string_at(exec, {"command"}),
                    .install_hint = base::string_at(exec, {"installHint"})};
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1")
    return refuse(Code::Unimplemented,
                  ".apiVersion \"" + plugin.api_version +
                      "\": client.authentication.k8s.io/v1 or v1beta1 expected");
  if (plugin.command.empty()) return refuse(Code::InvalidArgument, " has no command");
  if (base::string_at(exec, {"interactiveMode"}) == "Always")
    return refuse(Code::Unimplemented, ".interactiveMode Always: there is no terminal here");
  if (plugin.command.find('/') != std::string::npos)
    plugin.command = (std::filesystem::path(user.file).parent_path() / plugin.command).string();
  if (const json* args = base::find(exec, {"args"}); args != nullptr && args->is_array())
    for (const json& one : *args)
      if (one.is_string()) plugin.args.push_back(one.get<std::string>());
  if (const json* env = base::find(exec, {"env"}); env != nullptr && env->is_array())
    for (const json& one : *env)
      plugin.env.emplace_back(base::string_at(one, {"name"}), base::string_at(one, {"value"}));
  if (base::bool_at(exec, {"provideClusterInfo"}).value_or(false))
    plugin.cluster = cluster_info(cluster, client);
  const auto credentials = std::make_shared<ExecCredentials>(std::move(plugin));
  client.credential = [credentials](const std::stop_token& stop) {
    return credentials->get({.stop = stop});
  };
  connection.credential_within = [credentials](std::chrono::milliseconds at_most,
                                               const std::stop_token& stop) {
    return credentials->get({.at_most = at_most, .stop = stop});
  };
  client.on_unauthorized = [credentials] { credentials->reject(); };
  return {};
}

base::Status set_user(const Entry& user, const std::string& name, const Entry& cluster,
                      Connection& connection) {
  base::http::ClientOptions& client = connection.client;
  RETURN_IF_ERROR(refuse_unsupported(user, name));
  ASSIGN_OR_RETURN(client.client_certificate_pem, data_or_file(user, "client-certificate"));
  ASSIGN_OR_RETURN(client.client_key_pem, data_or_file(user, "client-key"));
  client.username = user.text("username");
  client.password = user.text("password");
  if (!user.text("tokenFile").empty()) {
    ASSIGN_OR_RETURN(client.bearer_token, token_from_file(user.path("tokenFile")));
  } else if (const std::string token = user.text("token"); !token.empty()) {
    client.bearer_token = [token] { return token; };
  } else if (user.value.contains("exec")) {
    return set_exec_plugin(user, name, cluster, connection);
  }
  if (!is_in_file(user, "client-certificate") || !is_in_file(user, "client-key")) return {};
  ASSIGN_OR_RETURN(const auto pair, certificate_from_files(user.path("client-certificate"),
                                                           user.path("client-key")));
  client.credential =
      [pair, token = client.bearer_token](const std::stop_token&) -> base::Result<Credential> {
    ASSIGN_OR_RETURN(Credential credential, pair());
    if (token) credential.token = token();
    return credential;
  };
  return {};
}

}  // namespace

base::Result<Connection> load_kubeconfig(const std::vector<std::string>& files,
                                         const std::string& context) {
  Merged merged;
  std::optional<base::Error> missing;
  bool any = false;
  for (const std::string& file : files) {
    const base::Status added = merged.add(file);
    if (added) {
      any = true;
    } else if (added.error().code == Code::NotFound) {
      missing = added.error();
    } else {
      return base::failure(added.error());
    }
  }
  if (!any) {
    return base::failure(
        missing.value_or(base::Error{.code = Code::NotFound, .message = "no kubeconfig given"}));
  }
  Connection connection;
  connection.context = context.empty() ? merged.current() : context;
  if (connection.context.empty()) {
    return base::failure(Code::InvalidArgument, files.front() + ": no current-context");
  }
  ASSIGN_OR_RETURN(const Entry chosen, merged.find("contexts", "context", connection.context));
  if (std::string ns = chosen.text("namespace"); !ns.empty()) connection.ns = std::move(ns);
  ASSIGN_OR_RETURN(const Entry cluster, merged.find("clusters", "cluster", chosen.text("cluster")));
  RETURN_IF_ERROR(set_cluster(cluster, connection.client));
  if (const std::string user_name = chosen.text("user"); !user_name.empty()) {
    ASSIGN_OR_RETURN(const Entry user, merged.find("users", "user", user_name));
    RETURN_IF_ERROR(set_user(user, user_name, cluster, connection));
  }
  return connection;
}

base::Result<Connection> load_in_cluster(const InCluster& where) {
  if (where.host.empty() || where.port.empty()) {
    return base::failure(Code::NotFound, "not running in a cluster");
  }
  Connection connection;
  const bool v6 = where.host.find(':') != std::string::npos;
  connection.client.base_url =
      "https://" + (v6 ? "[" + where.host + "]" : where.host) + ":" + where.port;
  ASSIGN_OR_RETURN(connection.client.ca_pem, base::read_file(where.folder + "/ca.crt", kMaxFile));
  ASSIGN_OR_RETURN(connection.client.ca, text_from_file(where.folder + "/ca.crt"));
  ASSIGN_OR_RETURN(connection.client.bearer_token, token_from_file(where.folder + "/token"));
  if (const auto ns = base::read_file(where.folder + "/namespace", kMaxFile); ns && !ns->empty()) {
    connection.ns = *ns;
  }
  return connection;
}

}  // namespace kube
