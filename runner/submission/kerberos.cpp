#include "runner/submission/kerberos.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace runner::submission {
namespace {

using nlohmann::json;

constexpr const char* kKeytab = "spark.kerberos.keytab";
constexpr const char* kPrincipal = "spark.kerberos.principal";

// A keytab that the driver's pod mounts is a file of its own, not of the machine that submits.
void use_mounted_keytab(const json& application, Conf& conf) {
  const std::string keytab = first_of(conf, {kKeytab});
  if (!keytab.starts_with('/')) return;
  struct Mounts {
    const char* list;
    const char* path;
  };
  std::vector<std::string> folders;
  for (const Mounts& mounts : {Mounts{"secrets", "path"}, Mounts{"configMaps", "path"},
                               Mounts{"volumeMounts", "mountPath"}}) {
    const json* list = base::find(application, {"spec", "driver", mounts.list});
    if (list == nullptr || !list->is_array()) continue;
    for (const json& mount : *list)
      folders.push_back(base::string_at(mount, {mounts.path}));
  }
  for (const auto& [secret, folder] : with_prefix(conf, "spark.kubernetes.driver.secrets."))
    folders.push_back(folder);
  for (std::string folder : folders) {
    if (folder.empty()) continue;
    if (!folder.ends_with('/')) folder += '/';
    if (keytab.starts_with(folder)) conf[kKeytab] = "local://" + keytab;
  }
}

// A driver that is a process is given a plain path: Spark takes local:// for a file of an image,
// and does not look there.
void use_keytab_of_machine(Conf& conf) {
  const auto keytab = conf.find(kKeytab);
  if (keytab == conf.end()) return;
  for (const std::string_view scheme : {"local://", "file://", "local:", "file:"}) {
    if (!std::string_view(keytab->second).starts_with(scheme)) continue;
    keytab->second.erase(0, scheme.size());
    return;
  }
}

// Those of a ConfigMap or Secret may be among them: they are left alone.
bool sets_variable(const json& application, const std::string& name) {
  if (base::find(application, {"spec", "driver", "envFrom"}) != nullptr) return true;
  const json* list = base::find(application, {"spec", "driver", "env"});
  if (list != nullptr && list->is_array())
    for (const json& one : *list)
      if (base::string_at(one, {"name"}) == name) return true;
  return base::find(application, {"spec", "driver", "envVars", name}) != nullptr;
}

// In a driver's pod Spark leaves the login to what gets tokens for the executors. Where these are
// threads of the driver nothing does, so Hadoop is told in its own words (UserGroupInformation's
// LoginParams); it reads them only where its security is Kerberos.
void let_hadoop_log_in(const json& application, Conf& conf) {
  const std::string keytab = first_of(conf, {kKeytab});
  const std::string principal = first_of(conf, {kPrincipal});
  if (keytab.empty() || principal.empty()) return;
  const std::pair<std::string, std::string> variables[] = {{"KRB5PRINCIPAL", principal},
                                                           {"KRB5KEYTAB", keytab}};
  for (const auto& [name, value] : variables)
    if (!sets_variable(application, name))
      conf.try_emplace("spark.kubernetes.driverEnv." + name, value);
}

// No process has an /etc/krb5.conf of its own, so its Java is told where it is.
void use_krb5_of_machine(Conf& conf) {
  const std::string map = first_of(conf, {"spark.kubernetes.kerberos.krb5.configMapName"});
  const auto path = conf.find("spark.kubernetes.kerberos.krb5.path");
  if (map.empty() == (path == conf.end())) return;  // none, or both: Spark refuses that
  const std::string file = map.empty() ? path->second : "/etc/krb5.conf";
  if (map.empty()) conf.erase(path);
  std::string& options = conf["spark.driver.extraJavaOptions"];
  if (options.find("java.security.krb5.conf") != std::string::npos) return;
  options += (options.empty() ? "" : " ") + ("-Djava.security.krb5.conf=" + file);
}

}  // namespace

void use_kerberos_files(const json& application, FileUris files, Conf& conf) {
  if (files != FileUris::Pods) return use_mounted_keytab(application, conf);
  use_keytab_of_machine(conf);
  let_hadoop_log_in(application, conf);
  use_krb5_of_machine(conf);
}

}  // namespace runner::submission
