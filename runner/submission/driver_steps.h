#pragma once

// The feature steps of a driver, one after another, each adding what one part of the configuration
// asks for. Order, names and effects are those of KubernetesDriverBuilder.
//
// Errors: InvalidArgument in Spark's own words, Unimplemented for what needs a file of the
// submitting machine. Threads: pure functions.

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // members by value

#include "base/result.h"
#include "runner/submission/conf_resolution.h"
#include "runner/submission/names.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

using Labels = std::map<std::string, std::string>;

// What all steps read.
struct DriverInputs {
  const SubmitRequest& request;
  const Conf& conf;
  Language language = Language::Jvm;
  std::string main_class;
  SparkVersion version;
  SubmissionIds ids;
  std::string ns;
  std::string name_prefix;
  std::string pod_name;
  Labels labels;  // of the driver; the service's selector
};

// What they build.
struct DriverDraft {
  nlohmann::json pod;        // its Spark container is taken out
  nlohmann::json container;  // that one; put back as the last at the end
  std::vector<nlohmann::json> objects;
  Conf properties;  // override the conf in spark.properties
};

using DriverStep = base::Status (*)(const DriverInputs&, DriverDraft&);

base::Status add_basics(const DriverInputs& facts, DriverDraft& draft);
base::Status add_credentials(const DriverInputs& facts, DriverDraft& draft);
base::Status add_service(const DriverInputs& facts, DriverDraft& draft);
base::Status mount_secrets(const DriverInputs& facts, DriverDraft& draft);
base::Status add_secret_environment(const DriverInputs& facts, DriverDraft& draft);
base::Status mount_volumes(const DriverInputs& facts, DriverDraft& draft);
base::Status add_command(const DriverInputs& facts, DriverDraft& draft);
base::Status add_hadoop_conf(const DriverInputs& facts, DriverDraft& draft);
base::Status add_kerberos(const DriverInputs& facts, DriverDraft& draft);
base::Status add_executor_template(const DriverInputs& facts, DriverDraft& draft);
base::Status add_local_dirs(const DriverInputs& facts, DriverDraft& draft);
base::Status add_network_policy(const DriverInputs& facts, DriverDraft& draft);

// Shared by the steps.
nlohmann::json metadata(const DriverInputs& facts, const std::string& name);
void add_env(DriverDraft& draft, const std::string& name, const std::string& value);
void add_volume(DriverDraft& draft, nlohmann::json volume);
void add_mount(DriverDraft& draft, const std::string& volume, const std::string& path);
// Where the line does so.
void make_immutable(const DriverInputs& facts, nlohmann::json& object);
// {{APP_ID}} replaced; a driver has no {{EXECUTOR_ID}}.
std::string with_ids(const std::string& value, const SubmissionIds& ids);
// Of a file on the submitting machine, which the service never has.
base::Result<std::string> local_file(const DriverInputs& facts, std::string_view key);

}  // namespace runner::submission
