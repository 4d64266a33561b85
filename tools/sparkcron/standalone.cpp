#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/http/router.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/yaml/yaml.h"
#include "config/crd.h"
#include "kube/api_event_recorder.h"
#include "kube/http_api.h"
#include "kube/server/api_server.h"
#include "monitor/health.h"
#include "monitor/history.h"
#include "monitor/ledger.h"
#include "monitor/metrics.h"
#include "runner/node/node.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/controllers.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/log_sources.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

// Everything that standalone runs, in the order of its construction; destroyed the other way round. The two
// HTTP ends are the only way between API server and controllers, as on a cluster.
class Standalone {
 public:
  Standalone(const Options& options, DataDir data) : options_(options), data_(std::move(data)) {}

  base::Status start() {
    ASSIGN_OR_RETURN(token_, data_.token());
    RETURN_IF_ERROR(open_state());
    RETURN_IF_ERROR(listen());
    RETURN_IF_ERROR(connect());
    RETURN_IF_ERROR(start_node());
    start_controllers();
    return announce();
  }

  void stop() {
    // No new runs, then no new pods, then no more answers: drivers that go on find the API again at the
    // next start.
    controllers_->stop();
    node_->stop();
    events_.reset();
    requests_.request_stop();
    api_server_->begin_stop();
    http_server_->begin_stop();
  }

 private:
  base::Status open_state() {
    ASSIGN_OR_RETURN(ledger_, monitor::Ledger::open(data_.file("ledger.db")));
    ASSIGN_OR_RETURN(archive_, monitor::LogArchive::open(data_.file("logs")));
    kube::server::ApiServerOptions options;
    options.path = data_.file("api.db");
    options.tokens = {token_};
    options.logs = &logs_;
    for (const std::string_view text : config::crd_manifests()) {
      ASSIGN_OR_RETURN(options.definitions.emplace_back(), base::yaml::parse(text));
    }
    ASSIGN_OR_RETURN(api_server_, kube::server::ApiServer::open(std::move(options)));
    return {};
  }

  base::Status listen() {
    base::http::Router router;
    for (const char* prefix : kube::server::ApiServer::kPrefixes) router.add(prefix, api_server_->handler());
    health_.add("api", [] { return base::Status{}; });
    health_.add("controllers", [this]() -> base::Status {
      if (ready_) return {};
      return failure(Code::Unavailable, "the controllers have not read the schedules yet");
    });
    for (const char* path : {"/livez", "/readyz", "/healthz"}) router.add(path, health_.handler());
    router.add("/metrics", metrics_.handler());
    router.add("/sparkcron", monitor::history_handler(*ledger_, {token_}));

    base::http::ServerOptions options;
    options.address = options_.listen.host;
    options.tls_certificate_file = options_.tls_certificate_file;
    options.tls_key_file = options_.tls_key_file;
    // A port that was picked once is kept, so that kubeconfigs and running drivers stay valid.
    options.port = options_.listen.port != 0 ? options_.listen.port : data_.last_port();
    auto server = base::http::Server::listen(options, router.handler());
    if (!server && options_.listen.port == 0 && options.port != 0) {
      base::log_warning("sparkcron", "The port of the last start is taken, another is picked",
                        {{"port", std::to_string(options.port)}});
      options.port = 0;
      server = base::http::Server::listen(options, router.handler());
    }
    if (!server) return failure(server.error());
    http_server_ = std::move(*server);
    return data_.keep_port(http_server_->port());
  }

  std::string url() const {
    const std::string scheme = options_.tls_certificate_file.empty() ? "http://" : "https://";
    std::string host = http_server_->address();
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return scheme + host + ":" + std::to_string(http_server_->port());
  }

  base::Status connect() {
    base::http::ClientOptions options;
    options.base_url = url();
    options.user_agent = std::string("sparkcron/") + kVersion;
    options.bearer_token = [token = token_] { return token; };
    // Our own server, on this machine: the certificate is for others.
    options.insecure_skip_tls_verify = true;
    ASSIGN_OR_RETURN(auto client, base::http::Client::create(std::move(options)));
    api_ = std::make_unique<kube::HttpApi>(std::move(client), kube::HttpApiOptions{.stop = requests_.get_token()});
    events_ = std::make_unique<kube::ApiEventRecorder>(*api_, clock_, kube::EventRecorderOptions{.component = "sparkcron"});
    return {};
  }

  base::Status start_node() {
    ASSIGN_OR_RETURN(const std::string spark_home, find_spark_home(options_.spark_home));
    runner::node::NodeOptions options;
    options.name = node_name();
    options.data_dir = data_.path();
    options.spark_home = spark_home;
    options.java_home = options_.java_home;
    options.api_url = url();
    options.token = token_;
    if (url().starts_with("https:")) options.ca_file = std::filesystem::absolute(options_.tls_certificate_file);
    options.capacity = node_capacity(options_.capacity);
    options.on_exit = options_.on_exit == OnExit::Stop ? runner::node::OnExit::Stop : runner::node::OnExit::Leave;
    options.supervisor = {"/proc/self/exe", "supervise"};
    options.on_log_removal = [this](const kube::ObjectKey& pod, const std::string& uid, const std::string& container,
                                    const runner::node::ContainerLog& log) {
      archive_->keep(pod, uid, container, log.files);
    };
    ASSIGN_OR_RETURN(node_, runner::node::Node::start(std::move(options), *api_, clock_, *events_));
    logs_.serve(node_->logs(), *archive_);
    return {};
  }

  void start_controllers() {
    ControllersOptions options;
    options.default_time_zone = options_.default_time_zone;
    options.workers = options_.workers;
    options.application.master_url = url();
    options.application.spark_user = user_name();
    options.application.default_conf = options_.default_conf;
    options.application.local_cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    options.application.executors_as_pods = options_.executors == Executors::Pods;
    controllers_ = std::make_unique<Controllers>(*api_, *events_, *ledger_, clock_, options);
    controllers_->start();
  }

  base::Status announce() {
    const std::string kubeconfig = data_.file("kubeconfig");
    const std::string ca = options_.tls_certificate_file.empty()
                               ? ""
                               : std::filesystem::absolute(options_.tls_certificate_file).string();
    RETURN_IF_ERROR(write_private_file(kubeconfig, kubeconfig_text(url(), token_, ca)));
    std::cout << version_text() << " listens on " << url() << "\n"
              << "kubeconfig: " << kubeconfig << "\n\n"
              << "  export KUBECONFIG=" << kubeconfig << "\n"
              << "  kubectl get scheduledsparkapplications\n"
              << std::flush;
    if (!options_.listen.is_loopback() && options_.tls_certificate_file.empty()) {
      base::log_warning("sparkcron", "The API is open beyond this machine without TLS: the token can be read on the "
                                     "way; give --tls-cert-file and --tls-key-file",
                        {{"listen", options_.listen.host}});
    }
    return {};
  }

  const Options& options_;
  DataDir data_;
  base::Clock& clock_ = base::real_clock();
  std::string token_;
  std::stop_source requests_;
  std::atomic<bool> ready_{false};
  NodeLogs logs_;
  monitor::Health health_;
  monitor::Metrics metrics_;
  std::unique_ptr<monitor::Ledger> ledger_;
  std::unique_ptr<monitor::LogArchive> archive_;
  std::unique_ptr<kube::server::ApiServer> api_server_;
  std::unique_ptr<base::http::Server> http_server_;
  std::unique_ptr<kube::HttpApi> api_;
  std::unique_ptr<kube::ApiEventRecorder> events_;
  std::unique_ptr<runner::node::Node> node_;
  std::unique_ptr<Controllers> controllers_;
};

}  // namespace

base::Status run_standalone(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  Standalone standalone(options, std::move(data));
  RETURN_IF_ERROR(standalone.start());
  wait_for_stop_signal();
  standalone.stop();
  return {};
}

}  // namespace sparkcron
