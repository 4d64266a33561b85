// The commands that run one part alone: controller and node (apiserver.cpp is the third); and
// release, which runs when the controller does not.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.h"
#include "base/http/router.h"
#include "base/http/server.h"
#include "base/log.h"
#include "kube/api_event_recorder.h"
#include "kube/fenced_api.h"
#include "kube/http_api.h"
#include "kube/kubeconfig.h"
#include "kube/leader_elector.h"
#include "monitor/dashboard/schedule_feed.h"
#include "monitor/health.h"
#include "monitor/ledger.h"
#include "monitor/metrics.h"
#include "monitor/process_readings.h"
#include "runner/node/driver_tokens.h"
#include "runner/node/node.h"
#include "tools/sparkcron/admission.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/controllers.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/database_watch.h"
#include "tools/sparkcron/history_door.h"
#include "tools/sparkcron/ledger_loss.h"
#include "tools/sparkcron/log_archiving.h"
#include "tools/sparkcron/node_capacity.h"
#include "tools/sparkcron/node_events.h"
#include "tools/sparkcron/notices.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/release.h"
#include "tools/sparkcron/storage_state.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"
#include "tools/sparkcron/webhook.h"

namespace sparkcron {
namespace {

using base::failure;

constexpr const char* kLease = "sparkcron-controller";
// Of a replica that must not write any more.
constexpr std::chrono::milliseconds kLastWords{50};
// The lease is looked at every few seconds.
constexpr std::chrono::seconds kApiUnseen{30};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> split_paths(const std::string& paths) {
  std::vector<std::string> all;
  for (size_t begin = 0; begin <= paths.size();) {
    const size_t end = std::min(paths.find(':', begin), paths.size());
    if (end > begin) all.push_back(paths.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

// --kubeconfig, else the pod's service account, else $KUBECONFIG, else ~/.kube/config.
base::Result<kube::Connection> find_cluster(const Options& options) {
  if (!options.kubeconfig.empty()) return kube::load_kubeconfig({options.kubeconfig});
  kube::InCluster pod;
  pod.host = variable("KUBERNETES_SERVICE_HOST");
  pod.port = variable("KUBERNETES_SERVICE_PORT");
  if (auto connection = kube::load_in_cluster(pod)) return connection;
  if (const std::string named = variable("KUBECONFIG"); !named.empty()) {
    return kube::load_kubeconfig(split_paths(named));
  }
  return kube::load_kubeconfig({variable("HOME") + "/.kube/config"});
}

struct Cluster {
  std::stop_source requests;
  std::string url;
  std::string ns;
  std::function<std::string()> token;  // read again when its file changes; empty = none
  std::string ca_pem;
  base::http::ClientOptions person;  // the same server, for who brings a token of their own
  std::unique_ptr<kube::HttpApi> api;
  // Of the election alone: a call that hangs ends long before the lease is lost.
  std::unique_ptr<kube::HttpApi> lease_api;
};

base::Result<std::unique_ptr<kube::HttpApi>> make_api(base::http::ClientOptions client,
                                                      const Cluster& cluster) {
  ASSIGN_OR_RETURN(auto made, base::http::Client::create(std::move(client)));
  return std::make_unique<kube::HttpApi>(
      std::move(made), kube::HttpApiOptions{.stop = cluster.requests.get_token()});
}

base::http::ClientOptions without_credential(const base::http::ClientOptions& client) {
  base::http::ClientOptions person{.base_url = client.base_url, .user_agent = client.user_agent};
  person.ca_pem = client.ca_pem;
  person.ca = client.ca;
  person.tls_server_name = client.tls_server_name;
  person.proxy = client.proxy;
  person.insecure_skip_tls_verify = client.insecure_skip_tls_verify;
  return person;
}

base::Status connect(const Options& options, Cluster& cluster) {
  ASSIGN_OR_RETURN(kube::Connection connection, find_cluster(options));
  connection.client.user_agent = std::string("sparkcron/") + kVersion;
  cluster.url = connection.client.base_url;
  cluster.ns = connection.ns;
  cluster.token = connection.client.bearer_token;
  if (const auto credential = connection.client.credential) {
    cluster.token = [credential] {
      const auto now = credential({});
      return now ? now->token : std::string();
    };
  }
  cluster.ca_pem = connection.client.ca_pem;
  cluster.person = without_credential(connection.client);
  ASSIGN_OR_RETURN(cluster.api, make_api(connection.client, cluster));
  const std::chrono::seconds call = kube::LeaseTimes{}.call;
  connection.client.connect_timeout = connection.client.request_timeout = call;
  if (connection.credential_within)
    connection.client.credential = [within = connection.credential_within, call](
                                       const std::stop_token& stop) { return within(call, stop); };
  ASSIGN_OR_RETURN(cluster.lease_api, make_api(std::move(connection.client), cluster));
  return {};
}

// What drivers check the API server with: --ca-file, else what the kubeconfig says, as a file.
base::Result<std::string> ca_file_of(const Options& options, const Cluster& cluster,
                                     const DataDir& data) {
  if (!options.ca_file.empty()) {
    RETURN_IF_ERROR(base::read_file(options.ca_file));
    std::error_code problem;
    const std::filesystem::path file = std::filesystem::absolute(options.ca_file, problem);
    if (problem)
      return failure(base::Code::InvalidArgument,
                     "--ca-file " + options.ca_file + ": " + problem.message());
    return file.string();
  }
  if (cluster.ca_pem.empty()) return std::string();
  const std::filesystem::path file = data.file("api-ca.crt");
  RETURN_IF_ERROR(base::write_durably(file, cluster.ca_pem, 0600));
  return file.string();
}

kube::ElectionOptions election(const Cluster& cluster) {
  return {.lease = {cluster.ns, kLease},
          .identity = node_name() + "_" + std::to_string(::getpid()),
          .times = {}};
}

// A standby is ready, too: it could take over at once.
void add_election_checks(monitor::Health& health, const kube::LeaderElector& elector,
                         base::Clock& clock) {
  health.add("lease", monitor::HealthKind::Ready, [&elector, &clock]() -> base::Status {
    const base::SteadyTime seen = elector.view().seen;
    if (seen != base::SteadyTime{} && clock.steady_now() - seen < kApiUnseen) return {};
    return failure(base::Code::Unavailable, "the lease could not be read for 30 s");
  });
  health.add("leadership", monitor::HealthKind::Note, [&elector]() -> base::Status {
    return failure(base::Code::Unavailable, elector.leading() ? "leads" : "standby");
  });
}

}  // namespace

base::Status run_node(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  ASSIGN_OR_RETURN(const std::string spark_home, find_spark_home(options.spark_home));
  ASSIGN_OR_RETURN(const std::string java_home,
                   find_java_home(options.java_home, runner::node::kSearchPath));
  Cluster cluster;
  RETURN_IF_ERROR(connect(options, cluster));
  base::Clock& clock = base::real_clock();
  kube::ApiEventRecorder events(*cluster.api, clock,
                                {.controller = "sparkcron-node", .instance = node_name()});
  runner::node::NodeOptions node_options;
  // Not the host's own name: on a machine of the cluster that is its kubelet's.
  node_options.name = "sparkcron-" + node_name();
  node_options.scheduler_name = options.scheduler_name;
  node_options.capacity = node_capacity(options.capacity);
  node_options.data_dir = data.path();
  node_options.spark_home = spark_home;
  node_options.java_home = java_home;
  node_options.api_url = cluster.url;
  runner::node::DriverTokens tokens(
      [&cluster](const std::string& ns, const std::string& service_account) {
        return runner::node::request_token(*cluster.api, ns, service_account);
      },
      cluster.token, clock);
  node_options.token = [&tokens](const nlohmann::json& pod) { return tokens.token_for(pod); };
  ASSIGN_OR_RETURN(node_options.ca_file, ca_file_of(options, cluster, data));
  node_options.on_exit =
      options.on_exit == OnExit::Stop ? runner::node::OnExit::Stop : runner::node::OnExit::Leave;
  node_options.supervisor = {own_path(), "supervise"};
  const std::string node_object = node_options.name;
  ASSIGN_OR_RETURN(const auto node,
                   runner::node::Node::start(std::move(node_options), *cluster.api, clock, events));
  report_java(check_java(java_home, runner::node::kSearchPath), events, node_object);
  std::cout << version_text() << " node runs the pods of " << cluster.url << " with schedulerName "
            << options.scheduler_name << "\n"
            << std::flush;
  wait_for_stop_signal();
  node->stop();
  cluster.requests.request_stop();
  return {};
}

base::Status run_controller(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  Cluster cluster;
  RETURN_IF_ERROR(connect(options, cluster));
  base::Clock& clock = base::real_clock();
  ASSIGN_OR_RETURN(const LogStores logs, open_log_stores(options, data.path(), clock));
  LedgerLoss ledger_loss;
  monitor::LedgerOptions of_ledger = ledger_options(data.path(), options);
  of_ledger.on_dropped = [&logs](const kube::ObjectKey& run, const std::string& uid) {
    logs.volume->forget(run, uid);
  };
  of_ledger.on_begun_anew = [&ledger_loss](const std::string& what) { ledger_loss.told(what); };
  NoticePost notices;
  RETURN_IF_ERROR(notices.open(options));
  notices.follow(of_ledger);
  ASSIGN_OR_RETURN(const auto ledger, monitor::Ledger::open(std::move(of_ledger), clock));
  const DatabaseWatch watch({.missing = {}, .try_write = [&ledger] { ledger->try_write(); }},
                            clock);
  kube::ApiEventRecorder events(*cluster.api, clock,
                                {.controller = "sparkcron", .instance = node_name()});
  std::atomic<const base::http::Server*> listening{nullptr};
  std::atomic<const Controllers*> running{nullptr};
  std::atomic<const kube::LeaderElector*> election_of{nullptr};
  monitor::Metrics metrics(
      {.labels = {"namespace"},
       .skip_counts =
           [&ledger](const std::string& uid) -> std::optional<std::map<std::string, uint64_t>> {
         auto counts = ledger->skip_counts(uid);
         if (!counts) return std::nullopt;
         return std::move(*counts);
       },
       .readings = {[&ledger, &logs] { return ledger_readings(*ledger, logs.volume.get()); },
                    [&running] {
                      const Controllers* now = running;
                      return now == nullptr ? std::vector<monitor::Reading>{}
                                            : log_readings(now->logs());
                    },
                    [&election_of, &options] {
                      const kube::LeaderElector* now = election_of;
                      const bool leads = now == nullptr ? !options.leader_elect : now->leading();
                      return monitor::role_readings(leads ? monitor::Role::Leader
                                                          : monitor::Role::Standby);
                    },
                    [&data] { return disk_readings(data.path()); },
                    [&notices] { return notices.readings(); }, monitor::process_readings,
                    [&listening] { return monitor::server_readings(listening); }},
       .version = kVersion});

  monitor::dashboard::ScheduleFeed feed(clock);
  ControllersOptions controllers_options;
  controllers_options.on_schedule = [&feed](const kube::Json& schedule) { feed.changed(schedule); };
  controllers_options.default_time_zone = options.default_time_zone;
  controllers_options.namespaces = options.namespaces;
  controllers_options.namespace_selector = options.namespace_selector;
  controllers_options.workers = options.workers;
  controllers_options.share_reads = true;
  controllers_options.application.default_conf = options.default_conf;
  controllers_options.application.exposure = {.ui_url_format = options.ingress_url_format,
                                              .ingress_class = options.ingress_class_name,
                                              .gateway = options.gateway};
  controllers_options.telemetry = &metrics;
  controllers_options.keeping.emplace(ControllersOptions::Keeping{
      .ledger = *ledger,
      .logs = logs.first(),
      .meanwhile = logs.second(),
      .fetch = [&cluster](const kube::ObjectKey& pod, const kube::LogOptions& log) {
        return cluster.api->logs(pod, log);
      }});
  std::unique_ptr<kube::LeaderElector> elector;
  kube::FencedApi fenced(*cluster.api,
                         [&elector] { return elector == nullptr || elector->leading(); });
  Controllers controllers(fenced, events, *ledger, clock, controllers_options);
  const kube::EventsGiveWay starts_first(
      events, [&controllers](std::chrono::milliseconds most) { controllers.await_starts(most); });
  // Of a cluster's objects the one that is the controller's own.
  const kube::Json lease{{"apiVersion", "coordination.k8s.io/v1"},
                         {"kind", "Lease"},
                         {"metadata", {{"namespace", cluster.ns}, {"name", kLease}}}};
  if (options.leader_elect) {
    const kube::ElectionOptions of_election = election(cluster);
    elector = std::make_unique<kube::LeaderElector>(
        *cluster.lease_api, clock, of_election,
        kube::LeaderElector::Callbacks{
            .on_elected =
                [&controllers, &events, lease, who = of_election.identity] {
                  events.record(lease, kube::EventType::Normal, "LeaderElection", "Electing",
                                who + " became leader");
                  controllers.start();
                },
            .on_lost =
                [] {
                  // Another replica may lead by now: stop before the next write, not in order.
                  base::log_error("sparkcron", "Lost the lease");
                  base::flush_log(kLastWords);
                  std::_Exit(1);
                }});
  }
  election_of = elector.get();
  running = &controllers;
  ledger_loss.follow(controllers);
  ledger_loss.say_by(events, lease);

  std::unique_ptr<Webhook> webhook;
  if (options.webhook) {
    RETURN_IF_ERROR(base::make_folders(data.file("webhook")));
    webhook = std::make_unique<Webhook>(*options.webhook, cluster.ns, data.file("webhook"),
                                        admission_rules(options, *cluster.api, clock), *cluster.api,
                                        clock, &metrics);
  }

  monitor::Health health;
  health.add("controllers", monitor::HealthKind::Ready, [&controllers]() -> base::Status {
    if (controllers.ready()) return {};
    return failure(base::Code::Unavailable, "the controllers have not read the schedules yet");
  });
  if (elector != nullptr) add_election_checks(health, *elector, clock);
  if (webhook)
    health.add("webhook", monitor::HealthKind::Ready, [&webhook] { return webhook->ready(); });
  add_ledger_checks(health, *ledger);
  add_disk_check(health, data.path());
  notices.add_check(health);
  health.add("objects", monitor::HealthKind::Warning,
             [&controllers] { return controllers.objects_work(); });
  health.add("logs", monitor::HealthKind::Warning,
             [&controllers] { return controllers.logs().store; });
  base::http::Router router;
  for (const char* path : {"/livez", "/readyz", "/healthz"})
    router.add(path, health.handler());
  router.add("/metrics", metrics.handler());
  ASSIGN_OR_RETURN(const auto server, base::http::Server::listen({.address = options.listen.host,
                                                                  .port = options.listen.port},
                                                                 router.handler()));
  listening = server.get();
  std::unique_ptr<HistoryDoor> history;
  if (options.history_listen) {
    feed.follow(controllers.cache(), [&controllers] { return controllers.ready(); });
    ASSIGN_OR_RETURN(
        history, HistoryDoor::open(
                     options, cluster.ns, data,
                     {.api = *cluster.api,
                      .clock = clock,
                      .ledger = *ledger,
                      .logs =
                          [&logs](const monitor::WantedLog& wanted, const kube::LogOptions& log) {
                            return monitor::open_kept(logs.first(), logs.second(), wanted, log);
                          },
                      .feed = feed,
                      .api_server = cluster.person,
                      .health = health.handler(),
                      .numbers = [&metrics] { return metrics.text_without_schedules(); }}));
  }
  RETURN_IF_ERROR(notices.start(
      *ledger, controllers, [&elector] { return elector == nullptr || elector->leading(); },
      clock));
  if (webhook) webhook->start();
  // Whoever waits for the lease keeps its caches warm.
  controllers.follow();
  if (elector != nullptr) {
    elector->start();
  } else {
    controllers.start();
  }
  std::cout << version_text() << " controls " << cluster.url << "; metrics on " << server->address()
            << ":" << server->port();
  if (history)
    std::cout << "; history on " << history->server().address() << ":" << history->server().port();
  std::cout << "\n" << std::flush;
  wait_for_stop_signal();
  // Before the lease is given back: the next leader must find nothing of ours running. An election
  // that is won just now starts nothing any more.
  ledger_loss.stop();
  controllers.stop();
  feed.stop();
  notices.stop();
  if (elector != nullptr) elector->stop();
  cluster.requests.request_stop();
  if (webhook) webhook->stop();
  return {};
}

// As the leader: a controller that still stops would put the finalizers back. Ended at any moment,
// it can be started again.
base::Status run_release(const Options& options) {
  end_at_stop_signals();
  Cluster cluster;
  RETURN_IF_ERROR(connect(options, cluster));
  std::binary_semaphore elected(0);
  kube::LeaderElector elector(*cluster.lease_api, base::real_clock(), election(cluster),
                              {.on_elected = [&elected] { elected.release(); },
                               // Whoever has it now is a controller, and will let them go itself.
                               .on_lost = [] { std::_Exit(1); }});
  if (options.leader_elect) {
    base::log_info("sparkcron", "Waiting until no controller leads", {{"lease", kLease}});
    elector.start();
    elected.acquire();
  }
  kube::FencedApi fenced(*cluster.api, [&] { return !options.leader_elect || elector.leading(); });
  // A namespace may have lost its label since: with a selector, wherever they are.
  const auto released = release_runs(
      fenced, options.namespace_selector.empty() ? options.namespaces : std::vector<std::string>());
  elector.stop();
  if (!released) return failure(released.error());
  std::cout << "released " << *released << (*released == 1 ? " run" : " runs") << "\n";
  return {};
}

}  // namespace sparkcron
