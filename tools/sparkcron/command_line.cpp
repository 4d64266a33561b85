#include "tools/sparkcron/command_line.h"

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "runner/permissions.h"
#include "scheduler/time_zone.h"
#include "tools/sparkcron/version.h"
#include "tools/usage/unknown.h"

namespace sparkcron {
namespace {

// What the options say as text, before it is checked.
struct Raw {
  std::string data_dir;
  std::string listen;
  std::string history_listen;
  std::string webhook_listen;
  std::string capacity;
  std::string storage_quota;
  std::string executors = "local";
  std::string on_exit = "leave";
  std::string log_level = "info";
  std::string log_format = "text";
  std::vector<std::string> conf;
  int workers = 0;  // 0: not given
};

// On a cluster each of them is a load for its API server. In the process they mostly wait for one
// commit to the disk, which then is shared by more.
constexpr int kWorkersOnCluster = 4;
constexpr int kWorkersInProcess = 16;

void add_common(CLI::App& app, Raw& raw, int workers) {
  app.add_option("--log-level", raw.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--log-format", raw.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--workers", raw.workers, "Threads that reconcile, for each controller")
      ->check(CLI::Range(1, 256))
      ->default_str(std::to_string(workers));
}

void add_scheduling(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--history-runs", options.history_runs,
                 "Ended runs, with their logs, and skipped stretches that are remembered")
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  app.add_option("--notify-url", options.notify_url,
                 "Where failures, recoveries and missed slots are posted as JSON, as to Slack: an "
                 "URL, or @FILE that holds it; default: nowhere");
  app.add_option("--default-time-zone", options.default_time_zone,
                 "Zone of schedules that name none, or \"Local\"")
      ->capture_default_str();
  app.add_option("--conf", raw.conf,
                 "Spark setting KEY=VALUE for every application that does not set it")
      ->take_all();
}

void add_server(CLI::App& app, Options& options, Raw& raw) {
  app.add_option(
      "--data-dir", raw.data_dir,
      "Where everything is kept; default: $XDG_DATA_HOME/sparkcron or ~/.local/share/sparkcron");
  app.add_option("--listen", raw.listen,
                 "HOST:PORT; port 0 picks a free one and keeps it (default 127.0.0.1:8680)");
  app.add_option("--event-ttl", options.event_ttl_seconds, "Seconds that events are kept")
      ->check(CLI::Range(1, 31'536'000))
      ->capture_default_str();
  app.add_option("--storage-quota", raw.storage_quota,
                 "What all objects together may take, as 500M or 4Gi; memory grows to two or three "
                 "times this (default 2Gi)");
  app.add_option("--tls-cert-file", options.tls_certificate_file,
                 "PEM certificate; asked for beyond loopback");
  app.add_option("--tls-key-file", options.tls_key_file, "PEM key");
}

void add_history_server(CLI::App& app, Options& options) {
  app.add_option("--spark-history-url", options.spark_history_url,
                 "Where a run that has ended is shown by Spark's history server, such as "
                 "https://HOST:18080/history/{applicationId}; default: the dashboard has no link");
}

void add_pages(CLI::App& app, Options& options) {
  app.add_option("--operator-kubeconfig", options.operator_kubeconfig,
                 "File of one more kubeconfig, which the service's group may read and which needs "
                 "nothing else of the data folder; default: none");
  add_history_server(app, options);
}

void add_node(CLI::App& app, Options& options, Raw& raw) {
  app.add_option(
      "--spark-home", options.spark_home,
      "Spark to run; default: $SPARK_HOME, else the pyspark of .venv beside the program");
  app.add_option("--java-home", options.java_home,
                 "Java to run it with; default: $JAVA_HOME, else the java on PATH");
  app.add_option("--node-capacity", raw.capacity,
                 "What may run at once, such as cpu=8,memory=16Gi,pods=50; default: 80 % of the "
                 "memory, 64 pods");
  app.add_option("--executors", raw.executors,
                 "local: threads of the driver; pods: processes of their own")
      ->check(CLI::IsMember({"local", "pods"}))
      ->capture_default_str();
  app.add_option("--on-exit", raw.on_exit,
                 "leave: drivers go on and are picked up at the next start; stop: stop them")
      ->check(CLI::IsMember({"leave", "stop"}))
      ->capture_default_str();
}

void add_controller(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--listen", raw.listen, "Where metrics and health are served");
  app.add_option("--history-listen", raw.history_listen,
                 "Where history and logs are served, over TLS, to who may get the proxy of "
                 "--history-service, and the dashboard, to each who brings a token, as far as they "
                 "may read; default: nowhere");
  app.add_option("--history-service", options.history_service,
                 "The Service, in the controller's own namespace, that leads there")
      ->capture_default_str();
  add_history_server(app, options);
  app.add_option("--ingress-url-format", options.ingress_url_format,
                 "URL of the UIs of applications with sparkUIOptions, such as "
                 "{{$appName}}.example.com or example.com/{{$appNamespace}}/{{$appName}}; default: "
                 "they get no Ingress");
  app.add_option("--ingress-class-name", options.ingress_class_name,
                 "Of the Ingresses that are made; default: the cluster's default class");
  app.add_option("--gateway", options.gateway,
                 "NAMESPACE/NAME of a Gateway: HTTPRoutes there instead of Ingresses");
  app.add_option("--log-archive", options.log_archive,
                 "s3://BUCKET/PREFIX: where drivers' logs are kept; default: the data folder");
  app.add_option("--log-archive-endpoint", options.log_archive_endpoint,
                 "URL of the S3-compatible store; default: AWS's of the region");
  app.add_option("--log-archive-region", options.log_archive_region,
                 "Default: $AWS_REGION, else us-east-1");
  app.add_option("--log-archive-credentials-file", options.log_archive_credentials,
                 "As ~/.aws/credentials, [default]; default: $AWS_ACCESS_KEY_ID, "
                 "$AWS_SECRET_ACCESS_KEY, $AWS_SESSION_TOKEN");
  app.add_option("--tls-cert-file", options.tls_certificate_file,
                 "PEM certificate of --history-listen; default: one of its own");
  app.add_option("--tls-key-file", options.tls_key_file, "PEM key");
}

void add_webhook(CLI::App& app, WebhookOptions& webhook, Raw& raw) {
  app.add_option("--webhook-listen", raw.webhook_listen,
                 "HOST:PORT of the admission webhook; default: none is served");
  app.add_option("--webhook-cert-dir", webhook.certificate_dir,
                 "Folder with tls.crt and tls.key that somebody else keeps; default: sparkcron "
                 "makes a certificate and tells the webhook configurations");
  app.add_option("--webhook-secret-name", webhook.secret,
                 "Secret, beside the lease, of the certificate that sparkcron makes")
      ->capture_default_str();
  app.add_option("--webhook-svc-name", webhook.service, "Service that leads to the webhook")
      ->capture_default_str();
  app.add_option("--webhook-configuration-name", webhook.configuration,
                 "Name of the ValidatingWebhookConfiguration and the MutatingWebhookConfiguration")
      ->capture_default_str();
  app.add_flag("--enable-resource-quota-enforcement", webhook.checks_quota,
               "Refuse applications that a ResourceQuota has no room for");
}

std::vector<std::string> role_names() {
  std::vector<std::string> names;
  for (const runner::RoleDescription& role : runner::roles())
    names.emplace_back(role.name);
  return names;
}

void add_kubeconfig(CLI::App& app, Options& options) {
  app.add_option("--kubeconfig", options.kubeconfig,
                 "Default: in-cluster, then $KUBECONFIG, then ~/.kube/config");
}

base::LogLevel level_of(const std::string& text) {
  if (text == "debug") return base::LogLevel::Debug;
  if (text == "warning") return base::LogLevel::Warning;
  if (text == "error") return base::LogLevel::Error;
  return base::LogLevel::Info;
}

// It becomes a link in pages: nothing that a browser would run.
base::Status check_history_url(const std::string& url) {
  if (url.empty() || url.starts_with("https://") || url.starts_with("http://")) return {};
  return base::failure(base::Code::InvalidArgument,
                       "--spark-history-url: must begin with https:// or http://");
}

base::Status convert(const Raw& raw, WebhookOptions& webhook, Options& options) {
  ASSIGN_OR_RETURN(options.data_dir, resolve_data_dir(raw.data_dir));
  if (!raw.listen.empty()) {
    ASSIGN_OR_RETURN(options.listen, parse_listen(raw.listen));
  }
  if (!raw.history_listen.empty()) {
    ASSIGN_OR_RETURN(options.history_listen, parse_listen(raw.history_listen, "--history-listen"));
  }
  if (!raw.webhook_listen.empty()) {
    ASSIGN_OR_RETURN(webhook.listen, parse_listen(raw.webhook_listen, "--webhook-listen"));
    options.webhook = webhook;
  }
  ASSIGN_OR_RETURN(options.capacity, parse_capacity(raw.capacity));
  if (!raw.storage_quota.empty()) {
    ASSIGN_OR_RETURN(options.storage_quota, parse_storage_quota(raw.storage_quota));
  }
  options.executors = raw.executors == "pods" ? Executors::Pods : Executors::Local;
  options.on_exit = raw.on_exit == "stop" ? OnExit::Stop : OnExit::Leave;
  options.log_level = level_of(raw.log_level);
  options.log_format = raw.log_format == "json" ? base::LogFormat::Json : base::LogFormat::Text;
  for (const std::string& pair : raw.conf) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::failure(base::Code::InvalidArgument, "--conf " + pair + ": KEY=VALUE expected");
    }
    options.default_conf[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (options.default_time_zone != "Local") {
    if (const auto zone = scheduler::TimeZone::load(options.default_time_zone); !zone)
      return base::failure(zone.error().with_context("--default-time-zone"));
  }
  RETURN_IF_ERROR(check_history_url(options.spark_history_url));
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return base::failure(base::Code::InvalidArgument,
                         "--tls-cert-file and --tls-key-file belong together");
  }
  return {};
}

// What is wrong with a line, where it can be said better than by what it lacks.
std::optional<std::string> explain(const CLI::App& app, const CLI::ParseError& problem) {
  if (problem.get_exit_code() == 0) return std::nullopt;
  if (auto option = usage::explain_unknown_option(app)) return option;
  const std::vector<std::string> left = app.remaining();
  if (!app.get_subcommands().empty() || left.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr))
    names.push_back(command->get_name());
  const auto meant = usage::nearest(left.front(), names);
  return "there is no command \"" + left.front() + "\"; " +
         (meant ? "did you mean \"" + *meant + "\"?" : "sparkcron --help lists them");
}

}  // namespace

Parsed parse_command_line(int argc, char** argv) {
  CommandLine line;
  Raw raw;
  WebhookOptions webhook;
  CLI::App app{
      "Runs Spark applications on a schedule: ScheduledSparkApplication objects become runs, on "
      "time and once."};
  app.name("sparkcron");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  sparkcron standalone                               everything on this machine, no "
      "cluster\n"
      "  sparkcron standalone --data-dir /srv/sparkcron --listen 127.0.0.1:8680 --spark-home "
      "/opt/spark\n"
      "  sparkcron controller --kubeconfig ~/.kube/config   only the controllers, against a "
      "cluster\n"
      "\nExit codes: 0 stopped in order, 1 failed, 2 wrong usage.");

  CLI::App* standalone =
      app.add_subcommand("standalone", "API server, controllers, node and monitor in one process");
  CLI::App* controller =
      app.add_subcommand("controller", "The controllers, against a Kubernetes API server");
  CLI::App* apiserver = app.add_subcommand("apiserver", "Only the embedded API server");
  CLI::App* node = app.add_subcommand("node", "Only the process node, against an API server");
  CLI::App* release = app.add_subcommand(
      "release", "Takes the finalizer off runs, before sparkcron is uninstalled from a cluster");
  CLI::App* permissions =
      app.add_subcommand("permissions", "Prints which calls of a cluster are made, and what for");
  permissions->add_option("--role", line.options.role, "Only those of one role")
      ->check(CLI::IsMember(role_names()));
  permissions
      ->add_option("-o,--output", line.options.output, "table, json, or yaml: rules of a Role")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  add_common(*standalone, raw, kWorkersInProcess);
  for (CLI::App* command : {controller, apiserver, node, release})
    add_common(*command, raw, kWorkersOnCluster);
  for (CLI::App* command : {standalone, apiserver})
    add_server(*command, line.options, raw);
  for (CLI::App* command : {standalone, node})
    add_node(*command, line.options, raw);
  for (CLI::App* command : {standalone, controller})
    add_scheduling(*command, line.options, raw);
  add_pages(*standalone, line.options);
  for (CLI::App* command : {controller, node, release})
    add_kubeconfig(*command, line.options);
  for (CLI::App* command : {controller, node}) {
    command->add_option("--data-dir", raw.data_dir,
                        "Where the ledger and the pods' folders are kept");
  }
  node->add_option("--scheduler-name", line.options.scheduler_name,
                   "Takes only pods whose spec.schedulerName is this (in Spark: "
                   "spark.kubernetes.scheduler.name)")
      ->capture_default_str();
  node->add_option("--ca-file", line.options.ca_file,
                   "PEM certificates that drivers check the API server with; default: those of the "
                   "kubeconfig");
  for (CLI::App* command : {controller, release}) {
    command->add_option("--namespace", line.options.namespaces,
                        "Only these namespaces (may be repeated)");
    command->add_option("--namespace-selector", line.options.namespace_selector,
                        "Namespaces with these labels (as kubectl -l), as they come and go; with "
                        "--namespace: besides those");
    command
        ->add_option("--leader-elect", line.options.leader_elect,
                     "Wait for the lease before acting")
        ->capture_default_str();
  }
  add_controller(*controller, line.options, raw);
  add_webhook(*controller, webhook, raw);

  try {
    app.parse(argc, argv);
    if (const auto converted = convert(raw, webhook, line.options); !converted) {
      std::cerr << "sparkcron: " << converted.error().message << "\n";
      return {std::nullopt, kExitUsage};
    }
  } catch (const CLI::ParseError& problem) {
    if (const auto said = explain(app, problem)) {
      std::cerr << "sparkcron: " << *said << "\n";
      return {std::nullopt, kExitUsage};
    }
    return {std::nullopt, app.exit(problem) == 0 ? kExitOk : kExitUsage};
  }
  const int usual = *standalone ? kWorkersInProcess : kWorkersOnCluster;
  line.options.workers = raw.workers > 0 ? raw.workers : usual;
  line.command = *controller    ? Command::Controller
                 : *apiserver   ? Command::ApiServer
                 : *node        ? Command::Node
                 : *release     ? Command::Release
                 : *permissions ? Command::Permissions
                                : Command::Standalone;
  return {line, kExitOk};
}

}  // namespace sparkcron
