#pragma once

// What the command line of sparkcron says, as plain values with their defaults.
//
// Threads: plain values.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace sparkcron {

enum class OnExit {
  Leave,  // drivers go on and are picked up again at the next start
  Stop,
};
enum class Executors { Local, Pods };

struct NodeCapacity {
  std::optional<double> cpu;  // not bounded unless given
  std::optional<uint64_t> memory_bytes;
  int pods = 64;
};

struct ListenAddress {
  std::string host = "127.0.0.1";
  uint16_t port = 8680;
  [[nodiscard]] bool is_loopback() const {
    return host.starts_with("127.") || host == "::1" || host == "localhost";
  }
};

// The admission webhook of `controller`.
struct WebhookOptions {
  ListenAddress listen;
  std::string certificate_dir;  // tls.crt and tls.key that somebody else keeps; empty: our own
  std::string secret = "sparkcron-webhook-certs";  // these three are for a certificate of our own
  std::string service = "sparkcron-webhook-svc";
  std::string configuration = "sparkcron-webhook";
  bool checks_quota = false;
};

struct Options {
  std::string data_dir;  // resolved: never empty once parsed
  ListenAddress listen;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string spark_home;
  std::string java_home;
  NodeCapacity capacity;
  Executors executors = Executors::Local;
  OnExit on_exit = OnExit::Leave;
  std::string default_time_zone = "UTC";
  std::map<std::string, std::string> default_conf;
  std::string kubeconfig;
  std::string scheduler_name = "sparkcron";     // node: the pods that it takes
  std::string ca_file;                          // node: what drivers check the API server with
  std::vector<std::string> namespaces;          // controller: with the next one empty, too: all
  std::string namespace_selector;               // controller: of more namespaces, by their labels
  std::optional<ListenAddress> history_listen;  // controller: not served unless given
  std::string log_archive;              // controller: s3://BUCKET/PREFIX; "" = the data folder
  std::string log_archive_endpoint;     // "" = AWS's of the region
  std::string log_archive_region;       // "" = $AWS_REGION, else us-east-1
  std::string log_archive_credentials;  // a file; "" = the environment
  std::string ingress_url_format;       // controller: of Spark's UIs; "" = they get none
  std::string ingress_class_name;       // controller
  std::string gateway;                  // controller: "namespace/name"
  std::string history_service = "sparkcron-history";  // controller: its Service
  bool leader_elect = true;                           // controller
  std::string role;              // permissions: a name of runner::roles(); empty = all
  std::string output = "table";  // permissions: "table", "yaml", "json"
  int workers = 4;
  std::optional<WebhookOptions> webhook;       // controller
  int event_ttl_seconds = 3600;                // standalone: how long events live
  uint64_t storage_quota = uint64_t{2} << 30;  // standalone: bytes of all objects together
  std::string spark_history_url;               // "{applicationId}" in it; "" = none
  std::string operator_kubeconfig;             // standalone: one more, for its group; "" = none
  std::string notify_url;      // an URL, or "@FILE" that holds it; "" = nobody is told
  int history_runs = 100'000;  // ended runs, and skipped stretches, that the ledger remembers
  base::LogLevel log_level = base::LogLevel::Info;
  base::LogFormat log_format = base::LogFormat::Text;

  // Of the process, not of the command line (process_setup.h).
  size_t max_connections = 4096;
  size_t memory_budget = size_t{256} << 20;
};

// "HOST:PORT", "[::1]:8680", ":8680" (loopback). InvalidArgument tells the form.
base::Result<ListenAddress> parse_listen(const std::string& text,
                                         const std::string& option = "--listen");
// "cpu=8,memory=16Gi,pods=50"; each part may be left out.
base::Result<NodeCapacity> parse_capacity(const std::string& text);
// "2Gi", "500M", "1000000": a Kubernetes quantity of at least 1Mi.
base::Result<uint64_t> parse_storage_quota(const std::string& text);
// --data-dir, else $XDG_DATA_HOME/sparkcron, else ~/.local/share/sparkcron.
base::Result<std::string> resolve_data_dir(const std::string& given);

}  // namespace sparkcron
