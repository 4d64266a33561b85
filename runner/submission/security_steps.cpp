#include <array>

#include <openssl/evp.h>

#include "runner/submission/driver_steps.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

std::string base64(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP ends it with a NUL
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

void add_service_account(const DriverInputs& facts, DriverDraft& draft) {
  const std::string account =
      first_of(facts.conf, {"spark.kubernetes.authenticate.driver.serviceAccountName"});
  if (account.empty()) return;
  draft.pod["spec"]["serviceAccount"] = account;
  draft.pod["spec"]["serviceAccountName"] = account;
}

}  // namespace

base::Status add_credentials(const DriverInputs& facts, DriverDraft& draft) {
  constexpr std::string_view kPrefix = "spark.kubernetes.authenticate.driver.";
  static constexpr std::string_view kFolder = "/mnt/secrets/spark-kubernetes-credentials/";
  struct File {
    std::string_view key;
    const char* name;
  };
  constexpr std::array kFiles = {File{"caCertFile", "ca-cert"}, File{"clientKeyFile", "client-key"},
                                 File{"clientCertFile", "client-cert"}};
  json data = json::object();
  const auto mounted = [&draft](std::string_view key, const char* name) {
    draft.properties["spark.kubernetes.authenticate.driver.mounted." + std::string(key)] =
        std::string(kFolder) + name;
  };
  if (const std::string* token = find(facts.conf, std::string(kPrefix) + "oauthToken")) {
    data["oauth-token"] = base64(*token);
    mounted("oauthTokenFile", "oauth-token");
  }
  for (const File& file : kFiles) {
    const std::string key = std::string(kPrefix) + std::string(file.key);
    if (!has(facts.conf, key)) continue;
    ASSIGN_OR_RETURN(const std::string content, local_file(facts, key));
    data[file.name] = base64(content);
    mounted(file.key, file.name);
  }
  for (const auto& [key, value] : facts.conf) {
    if (key.ends_with("oauthToken")) draft.properties[key] = "<present_but_redacted>";
  }
  if (data.empty()) {
    add_service_account(facts, draft);
    return {};
  }
  const std::string name = facts.name_prefix + "-kubernetes-credentials";
  add_volume(draft, {{"name", "kubernetes-credentials"}, {"secret", {{"secretName", name}}}});
  add_mount(draft, "kubernetes-credentials", std::string(kFolder.substr(0, kFolder.size() - 1)));
  draft.objects.push_back({{"apiVersion", "v1"},
                           {"kind", "Secret"},
                           {"metadata", metadata(facts, name)},
                           {"data", std::move(data)}});
  make_immutable(facts, draft.objects.back());
  return {};
}

base::Status add_hadoop_conf(const DriverInputs& facts, DriverDraft& draft) {
  const std::string map = first_of(facts.conf, {"spark.kubernetes.hadoop.configMapName"});
  const bool from_environment = facts.request.environment.contains("HADOOP_CONF_DIR");
  if (from_environment && !map.empty()) {
    return failure(Code::InvalidArgument,
                   "Do not specify both the `HADOOP_CONF_DIR` in your ENV and the ConfigMap as the "
                   "creation of an additional ConfigMap, when one is already specified is "
                   "extraneous");
  }
  if (from_environment) {
    return failure(Code::Unimplemented,
                   "HADOOP_CONF_DIR of the submitter is not supported: set "
                   "spark.kubernetes.hadoop.configMapName");
  }
  if (map.empty()) return {};
  add_volume(draft, {{"name", "hadoop-properties"}, {"configMap", {{"name", map}}}});
  add_mount(draft, "hadoop-properties", "/opt/hadoop/conf");
  add_env(draft, "HADOOP_CONF_DIR", "/opt/hadoop/conf");
  if (facts.version.has(Rule::ExecutorsGetHadoopMap)) {
    draft.properties["spark.kubernetes.executor.hadoopConfigMapName"] = map;
  }
  return {};
}

base::Status add_kerberos(const DriverInputs& facts, DriverDraft& draft) {
  const Conf& conf = facts.conf;
  const std::string map = first_of(conf, {"spark.kubernetes.kerberos.krb5.configMapName"});
  const bool has_path = has(conf, "spark.kubernetes.kerberos.krb5.path");
  if (has_path && !map.empty()) {
    return failure(Code::InvalidArgument,
                   "Do not specify both a Krb5 local file and the ConfigMap as the creation of an "
                   "additional ConfigMap, when one is already specified, is extraneous");
  }
  if (has_path) {
    return failure(Code::Unimplemented,
                   "spark.kubernetes.kerberos.krb5.path names a file of the submitting machine: "
                   "set spark.kubernetes.kerberos.krb5.configMapName");
  }
  const std::string keytab = first_of(conf, {"spark.kerberos.keytab"});
  const std::string principal = first_of(conf, {"spark.kerberos.principal"});
  if (keytab.empty() && !principal.empty()) {
    return failure(Code::InvalidArgument,
                   "If a Kerberos principal is specified you must also specify a Kerberos keytab");
  }
  if (principal.empty() && !keytab.empty()) {
    return failure(Code::InvalidArgument,
                   "If a Kerberos keytab is specified you must also specify a Kerberos principal");
  }
  const bool of_machine = facts.request.file_uris == FileUris::Pods && keytab.starts_with('/');
  if (!keytab.empty() && !of_machine && scheme_of(keytab) != "local") {
    return failure(Code::Unimplemented,
                   "spark.kerberos.keytab names a file of the submitting machine: local:// names a "
                   "file of the image");
  }
  if (!map.empty()) {
    add_volume(draft, {{"name", "krb5-file"}, {"configMap", {{"name", map}}}});
    draft.container["volumeMounts"].push_back(
        {{"name", "krb5-file"}, {"mountPath", "/etc/krb5.conf"}, {"subPath", "krb5.conf"}});
  }
  const std::string secret = first_of(conf, {"spark.kubernetes.kerberos.tokenSecret.name"});
  const std::string item = first_of(conf, {"spark.kubernetes.kerberos.tokenSecret.itemKey"});
  if (item.empty() && !secret.empty()) {
    return failure(Code::InvalidArgument,
                   "If a secret storing a Kerberos Delegation Token is specified you must also "
                   "specify the item-key where the data is stored");
  }
  if (secret.empty() && !item.empty()) {
    return failure(Code::InvalidArgument,
                   "If a secret data item-key where the data of the Kerberos Delegation Token is "
                   "specified you must also specify the name of the secret");
  }
  if (!secret.empty()) {
    add_volume(draft, {{"name", "hadoop-secret"}, {"secret", {{"secretName", secret}}}});
    add_mount(draft, "hadoop-secret", "/mnt/secrets/hadoop-credentials");
    add_env(draft, "HADOOP_TOKEN_FILE_LOCATION", "/mnt/secrets/hadoop-credentials/" + item);
  }
  return {};
}

// Executors are reached by pods of their own run only.
base::Status add_network_policy(const DriverInputs& facts, DriverDraft& draft) {
  if (!facts.version.has(Rule::NetworkPolicies)) return {};
  const json own = {{"spark-app-selector", facts.ids.app_id}};
  json meta = metadata(facts, facts.name_prefix + "-policy");
  meta["labels"] = own;
  json executors = own;
  executors["spark-role"] = "executor";
  json from = json::array();
  from.push_back({{"podSelector", {{"matchLabels", own}}}});
  json ingress = json::array();
  ingress.push_back({{"from", std::move(from)}});
  draft.objects.push_back({{"apiVersion", "networking.k8s.io/v1"},
                           {"kind", "NetworkPolicy"},
                           {"metadata", std::move(meta)},
                           {"spec",
                            {{"podSelector", {{"matchLabels", std::move(executors)}}},
                             {"ingress", std::move(ingress)}}}});
  return {};
}

}  // namespace runner::submission
