#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/http/router.h"
#include "base/http/server.h"
#include "base/stable_hash.h"
#include "kube/api.h"
#include "kube/api_event_recorder.h"
#include "kube/server/api_server.h"
#include "monitor/dashboard/dashboard.h"
#include "monitor/dashboard/login.h"
#include "monitor/health.h"
#include "monitor/history_handler.h"
#include "monitor/ledger.h"
#include "monitor/log_archive.h"
#include "monitor/metrics.h"
#include "monitor/process_readings.h"
#include "runner/node/features.h"
#include "runner/node/node.h"
#include "tools/sparkcron/admission.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/controllers.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/database_watch.h"
#include "tools/sparkcron/finished_logs.h"
#include "tools/sparkcron/front_door.h"
#include "tools/sparkcron/ledger_loss.h"
#include "tools/sparkcron/log_sources.h"
#include "tools/sparkcron/node_capacity.h"
#include "tools/sparkcron/node_events.h"
#include "tools/sparkcron/notices.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/storage_state.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;
using SkipCounts = std::map<std::string, uint64_t>;

// Everything that standalone runs, in the order of its construction; destroyed the other way round.
// Controllers and node talk to the API server in its own process (kube::server::LocalApi); kubectl
// and drivers come in by HTTP, and both ways lead to the same handler.
class Standalone {
 public:
  Standalone(const Options& options, DataDir data) : options_(options), data_(std::move(data)) {}

  base::Status start() {
    ASSIGN_OR_RETURN(spark_home_, find_spark_home(options_.spark_home));
    ASSIGN_OR_RETURN(java_home_, find_java_home(options_.java_home, runner::node::kSearchPath));
    ASSIGN_OR_RETURN(token_, data_.token());
    RETURN_IF_ERROR(open_state());
    RETURN_IF_ERROR(listen());
    RETURN_IF_ERROR(write_kubeconfigs(door_, data_, token_, options_.operator_kubeconfig));
    connect();
    RETURN_IF_ERROR(start_node());
    start_controllers();
    RETURN_IF_ERROR(notices_.start(*ledger_, *controllers_, {}, clock_));
    announce(door_, data_, "standalone");
    return {};
  }

  // The order is in README.md. Every part stays alive until the HTTP server has ended, because any
  // of its handlers may be using it. Also after a start that failed half way.
  ~Standalone() {
    started_ = false;
    ledger_loss_.stop();
    database_watch_.reset();
    // No new runs, then no new pods; both still write to the API.
    if (controllers_) controllers_->stop();
    notices_.stop();
    if (node_) node_->stop();
    starts_first_.reset();
    events_.reset();
    requests_.request_stop();
    // No more answers: streams end first, so that the server can finish.
    if (api_server_) api_server_->begin_stop();
    door_.server.reset();
    // What answers were made from goes last, with the members.
  }
  Standalone(const Standalone&) = delete;
  Standalone& operator=(const Standalone&) = delete;

 private:
  base::Status open_state() {
    ASSIGN_OR_RETURN(archive_, monitor::LogArchive::open({.root = data_.file("logs")}, clock_));
    finished_logs_ = std::make_unique<FinishedLogs>(*archive_);
    monitor::LedgerOptions ledger = ledger_options(data_.path(), options_);
    ledger.on_dropped = [this](const kube::ObjectKey& run, const std::string& uid) {
      archive_->forget(run, uid);
    };
    ledger.on_begun_anew = [this](const std::string& what) { ledger_loss_.told(what); };
    RETURN_IF_ERROR(notices_.open(options_));
    notices_.follow(ledger);
    ASSIGN_OR_RETURN(ledger_, monitor::Ledger::open(std::move(ledger), clock_));
    ASSIGN_OR_RETURN(const runner::RunCounts totals, ledger_->totals());
    metrics_ = std::make_unique<monitor::Metrics>(monitor::MetricsOptions{
        .labels = {"namespace"},
        .skip_counts = [this](const std::string& uid) -> std::optional<SkipCounts> {
          auto counts = ledger_->skip_counts(uid);
          if (!counts) return std::nullopt;
          return std::move(*counts);
        },
        .readings = {[] { return monitor::role_readings(monitor::Role::Leader); },
                     [this] { return ledger_readings(*ledger_, archive_.get()); },
                     [this] { return finished_logs_->readings(); },
                     [this] { return disk_readings(data_.path()); },
                     [this] { return notices_.readings(); }, monitor::process_readings,
                     [this] { return monitor::server_readings(server_); }},
        .totals = totals,
        .version = kVersion});
    kube::server::ApiServerOptions options;
    options.path = data_.file("api.db");
    options.event_lifetime = std::chrono::seconds(options_.event_ttl_seconds);
    options.quota_bytes = options_.storage_quota;
    options.tokens = {token_};
    options.logs = &logs_;
    options.advise = advice(options_, application_options(), clock_);
    ASSIGN_OR_RETURN(options.definitions, own_definitions());
    // Before it would be made anew. The ledger sees to itself.
    RETURN_IF_ERROR(data_.expect_database("api.db"));
    ASSIGN_OR_RETURN(api_server_, kube::server::ApiServer::open(std::move(options)));
    RETURN_IF_ERROR(data_.keep_database("api.db"));
    database_watch_ = std::make_unique<DatabaseWatch>(
        DatabaseChecks{.missing = [this] { return data_.missing(); },
                       .try_write =
                           [this] {
                             api_server_->try_write();
                             ledger_->try_write();
                           }},
        clock_);
    return {};
  }

  base::Status listen() {
    base::http::Router router;
    for (const char* prefix : kube::server::ApiServer::kPrefixes)
      router.add(prefix, api_server_->handler(), api_server_->admit());
    health_.add("controllers", monitor::HealthKind::Ready, [this]() -> base::Status {
      if (started_ && controllers_->ready()) return {};
      return failure(Code::Unavailable, "the controllers have not read the schedules yet");
    });
    add_ledger_checks(health_, *ledger_);
    add_disk_check(health_, data_.path());
    notices_.add_check(health_);
    health_.add("storage", monitor::HealthKind::Ready, [this] { return api_server_->health(); });
    health_.add("databases", monitor::HealthKind::Ready, [this] { return data_.missing(); });
    health_.add("java", monitor::HealthKind::Warning,
                [this] { return check_java(java_home_, runner::node::kSearchPath); });
    health_.add("objects", monitor::HealthKind::Warning,
                [this] { return started_ ? controllers_->objects_work() : base::Status{}; });
    for (const char* path : {"/livez", "/readyz", "/healthz"})
      router.add(path, health_.handler());
    router.add("/metrics", metrics_->handler());
    // The same tokens as the API's.
    const base::http::Admit admit = api_server_->admit();
    const monitor::Authorize authorize = [admit](const base::http::Request& head) -> base::Status {
      if (admit(head).trusted) return {};
      return failure(Code::Unauthenticated, "Unauthorized");
    };
    router.add(monitor::kHistoryPath, monitor::history_handler(*ledger_, authorize), admit);
    router.add(monitor::kSummaryPath, monitor::summary_handler(*ledger_, authorize), admit);
    router.add(monitor::kLogPath,
               monitor::log_handler(
                   [this](const monitor::WantedLog& wanted, const kube::LogOptions& options) {
                     return archive_->open_run(wanted, options);
                   },
                   authorize),
               admit);
    add_dashboard(router, authorize);
    ASSIGN_OR_RETURN(door_, open_front_door(options_, data_, router));
    server_ = door_.server.get();
    return {};
  }

  // Cookies know hosts but no ports: the name keeps several services of one machine apart.
  void add_dashboard(base::http::Router& router, const monitor::Authorize& authorize) {
    login_ = std::make_unique<monitor::dashboard::Login>(token_, clock_);
    const std::string cookie = "__Secure-sparkcron-" + base::short_hash(data_.path());
    router.add(
        monitor::dashboard::kPath,
        monitor::dashboard::handler(
            {.login = *login_,
             .ledger = *ledger_,
             .authorize = authorize,
             .inside = router.handler(),
             .token = token_,
             .cookie = cookie,
             .default_zone = options_.default_time_zone,
             .spark_history_url = options_.spark_history_url,
             .numbers = [this] { return metrics_->text_without_schedules(); },
             .find_spark_page = [this](const kube::ObjectKey& run) -> base::Result<std::string> {
               if (!started_) return failure(Code::Unavailable, "the service is starting");
               return monitor::dashboard::find_spark_page(*api_, run);
             }}),
        monitor::dashboard::admit(*login_, cookie, authorize));
  }

  void connect() {
    api_ = api_server_->connect({.token = token_, .stop = requests_.get_token()});
    events_ = std::make_unique<kube::ApiEventRecorder>(
        *api_, clock_, kube::EventSource{.controller = "sparkcron", .instance = node_name()});
  }

  base::Status start_node() {
    runner::node::NodeOptions options;
    options.name = node_name();
    options.data_dir = data_.path();
    options.spark_home = spark_home_;
    options.java_home = java_home_;
    options.api_url = door_.url;
    options.token = [token = token_](const nlohmann::json&) { return token; };
    options.ca_file = door_.certificate.certificate;
    options.capacity = node_capacity(options_.capacity);
    options.on_exit =
        options_.on_exit == OnExit::Stop ? runner::node::OnExit::Stop : runner::node::OnExit::Leave;
    options.supervisor = {own_path(), "supervise"};
    options.on_log_removal = [this](const nlohmann::json& pod, const std::string& container,
                                    const runner::node::ContainerLog& log) {
      finished_logs_->keep(pod, container, log, *events_);
    };
    ASSIGN_OR_RETURN(node_, runner::node::Node::start(std::move(options), *api_, clock_, *events_));
    logs_.serve(node_->logs(), *archive_);
    report_java(check_java(java_home_, runner::node::kSearchPath), *events_, node_name());
    return {};
  }

  [[nodiscard]] runner::applications::ApplicationOptions application_options() const {
    runner::applications::ApplicationOptions application;
    application.spark_user = user_name();
    application.pods = runner::submission::PodsRunAs::Processes;
    application.spark_version = version_of_spark(spark_home_);
    application.default_conf = options_.default_conf;
    application.local_cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    application.check_pod = runner::node::check_supported;
    application.executors_as_pods = options_.executors == Executors::Pods;
    return application;
  }

  void start_controllers() {
    ControllersOptions options;
    options.default_time_zone = options_.default_time_zone;
    options.workers = options_.workers;
    options.application = application_options();
    options.application.master_url = door_.url;
    options.telemetry = metrics_.get();
    controllers_ = std::make_unique<Controllers>(*api_, *events_, *ledger_, clock_, options);
    starts_first_.emplace(
        *events_, [this](std::chrono::milliseconds most) { controllers_->await_starts(most); });
    ledger_loss_.follow(*controllers_);
    ledger_loss_.say_by(*events_, node_reference(node_name()));
    controllers_->start();
    started_ = true;
  }

  const Options& options_;
  DataDir data_;
  base::Clock& clock_ = base::real_clock();
  std::string spark_home_;
  std::string java_home_;
  std::string token_;
  std::stop_source requests_;
  std::atomic<bool> started_{false};
  LedgerLoss ledger_loss_;
  NoticePost notices_;
  NodeLogs logs_{clock_};
  monitor::Health health_;
  std::unique_ptr<monitor::LogArchive> archive_;
  std::unique_ptr<FinishedLogs> finished_logs_;
  std::unique_ptr<monitor::Ledger> ledger_;
  std::unique_ptr<monitor::Metrics> metrics_;
  std::unique_ptr<monitor::dashboard::Login> login_;
  std::unique_ptr<kube::server::ApiServer> api_server_;
  std::unique_ptr<DatabaseWatch> database_watch_;
  FrontDoor door_;
  // door_.server for scrapes, which come from the moment it listens until it has ended.
  std::atomic<const base::http::Server*> server_{nullptr};
  std::unique_ptr<kube::Api> api_;
  std::unique_ptr<kube::ApiEventRecorder> events_;
  std::unique_ptr<runner::node::Node> node_;
  std::unique_ptr<Controllers> controllers_;
  std::optional<kube::EventsGiveWay> starts_first_;
};

}  // namespace

base::Status run_standalone(const Options& options) {
  ASSIGN_OR_RETURN(DataDir data, DataDir::open(options.data_dir));
  Standalone standalone(options, std::move(data));
  RETURN_IF_ERROR(standalone.start());
  wait_for_stop_signal();
  return {};
}

}  // namespace sparkcron
