// `sparkcron apiserver`: the embedded API server alone, for tests that mix it with other parts.

#include <atomic>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/http/router.h"
#include "base/http/server.h"
#include "base/yaml/yaml.h"
#include "config/crd.h"
#include "kube/server/api_server.h"
#include "monitor/health.h"
#include "monitor/metrics.h"
#include "monitor/process_readings.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/database_watch.h"
#include "tools/sparkcron/front_door.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/storage_state.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {

base::Result<std::vector<nlohmann::json>> own_definitions() {
  std::vector<nlohmann::json> definitions;
  for (const std::string_view text : config::crd_manifests()) {
    auto parsed = base::yaml::parse(text);
    if (!parsed) return base::failure(parsed.error().with_context("config/crd"));
    definitions.push_back(std::move(*parsed));
  }
  return definitions;
}

base::Status run_apiserver(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  ASSIGN_OR_RETURN(const std::string token, data.token());
  kube::server::ApiServerOptions server{.path = data.file("api.db"), .tokens = {token}};
  server.event_lifetime = std::chrono::seconds(options.event_ttl_seconds);
  server.quota_bytes = options.storage_quota;
  ASSIGN_OR_RETURN(server.definitions, own_definitions());
  RETURN_IF_ERROR(data.expect_database("api.db"));
  ASSIGN_OR_RETURN(const auto api, kube::server::ApiServer::open(std::move(server)));
  RETURN_IF_ERROR(data.keep_database("api.db"));
  const DatabaseWatch watch(
      {.missing = [&data] { return data.missing(); }, .try_write = [&api] { api->try_write(); }},
      base::real_clock());
  monitor::Health health;
  health.add("databases", monitor::HealthKind::Ready, [&data] { return data.missing(); });
  health.add("storage", monitor::HealthKind::Ready, [&api] { return api->health(); });
  add_disk_check(health, data.path());
  std::atomic<bool> kubeconfig_written{false};
  health.add("kubeconfig", monitor::HealthKind::Ready, [&kubeconfig_written]() -> base::Status {
    if (kubeconfig_written) return {};
    return base::failure(base::Code::Unavailable, "not written yet");
  });
  // For scrapes, which come from the moment it listens until it has ended.
  std::atomic<const base::http::Server*> listening{nullptr};
  const monitor::Metrics metrics(
      {.labels = {"namespace"},
       .readings = {[&data] { return disk_readings(data.path()); }, monitor::process_readings,
                    [&listening] { return monitor::server_readings(listening); }},
       .version = kVersion});
  base::http::Router router;
  for (const char* prefix : kube::server::ApiServer::kPrefixes)
    router.add(prefix, api->handler(), api->admit());
  for (const char* path : {"/livez", "/readyz", "/healthz"})
    router.add(path, health.handler());
  router.add("/metrics", metrics.handler());
  ASSIGN_OR_RETURN(FrontDoor door, open_front_door(options, data, router));
  listening = door.server.get();
  RETURN_IF_ERROR(write_kubeconfigs(door, data, token));
  kubeconfig_written = true;
  announce(door, data, "apiserver");
  wait_for_stop_signal();
  // Watches end first, so that the server can finish; what answers are made from goes last.
  api->begin_stop();
  door.server.reset();
  return {};
}

}  // namespace sparkcron
