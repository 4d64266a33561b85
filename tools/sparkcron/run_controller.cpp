#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/http/router.h"
#include "base/http/server.h"
#include "base/log.h"
#include "kube/api_event_recorder.h"
#include "kube/fenced_api.h"
#include "monitor/dashboard/schedule_feed.h"
#include "monitor/health.h"
#include "monitor/ledger.h"
#include "monitor/metrics.h"
#include "monitor/process_readings.h"
#include "tools/sparkcron/admission.h"
#include "tools/sparkcron/cluster.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/controllers.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/database_watch.h"
#include "tools/sparkcron/history_door.h"
#include "tools/sparkcron/ledger_loss.h"
#include "tools/sparkcron/log_archiving.h"
#include "tools/sparkcron/notices.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/storage_state.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"
#include "tools/sparkcron/webhook.h"

namespace sparkcron {
namespace {

using base::failure;

// Of a replica that must not write any more.
constexpr std::chrono::milliseconds kLastWords{50};
// The lease is looked at every few seconds.
constexpr std::chrono::seconds kApiUnseen{30};

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
  controllers_options.on_schedule = [&feed](const kube::PackedObject& schedule) {
    feed.changed(schedule);
  };
  controllers_options.default_time_zone = options.default_time_zone;
  controllers_options.namespaces = options.namespaces;
  controllers_options.namespace_selector = options.namespace_selector;
  controllers_options.workers = options.workers;
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

}  // namespace sparkcron
