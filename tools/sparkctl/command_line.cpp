#include "tools/sparkctl/command_line.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "scheduler/cron_duration.h"
#include "tools/sparkcron/version.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/completion.h"
#include "tools/sparkctl/cron.h"
#include "tools/sparkctl/render.h"
#include "tools/sparkctl/table.h"
#include "tools/sparkctl/unknown_command.h"

namespace sparkctl {
namespace {

// What the command line fills in.
struct Arguments {
  ConnectOptions connect;
  std::string ns;
  std::string history_service;
  bool all_namespaces = false;
  std::string output = "table";
  std::vector<std::string> names;
  std::vector<std::string> files;
  std::string name;
  std::string from;
  std::string at;
  std::string span;
  std::string zone = "UTC";
  uint16_t port = 4040;
  uint16_t remote_port = 0;
  std::string executor;
  int attempt = 0;
  std::string grep;
  std::string what = "schedules";
  std::string shell = "bash";
  int limit = 20;
  bool failed = false;
  std::string since;
  bool watch = false;
  bool wait = false;
  int timeout = 0;
  kube::LogOptions log;
  int tail = -1;
  bool client_only = false;
  RenderOptions render;
  UploadOptions upload;
  bool renders = false;
};

using Command = std::function<base::Result<ExitCode>(Session&)>;

constexpr const char* kExamples =
    "Examples:\n"
    "  sparkctl list -A                      all schedules, with their next run\n"
    "  sparkctl describe nightly-etl         what it did, what it will do, and why\n"
    "  sparkctl create -f nightly-etl.yaml\n"
    "  sparkctl trigger nightly-etl --wait   a run by hand; exit code 7 if it fails\n"
    "  sparkctl logs -f nightly-etl          the newest run's driver\n"
    "  sparkctl history nightly-etl          all its runs, those long pruned too\n"
    "  sparkctl why nightly-etl --at 02:00   why that slot ran, or did not\n"
    "  sparkctl timeline -A                  the next 24 hours\n"
    "  sparkctl render -f app.yaml           what a submission would create; no cluster needed\n"
    "  sparkctl history -A --failed --since 12h\n"
    "  sparkctl cron next '0 2 * * MON-FRI' --zone Europe/Berlin\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed,\n"
    "5 refused by the API, 6 the API does not answer, 7 the triggered run failed,\n8 no "
    "kubeconfig.";

constexpr const char* kRenderExamples =
    "Examples:\n"
    "  sparkctl render -f app.yaml                     the objects, as kubectl takes them\n"
    "  sparkctl render -f app.yaml -o json | jq '.items[].kind'\n"
    "  sparkctl render -f app.yaml --as-conf           the spark-submit that does the same\n"
    "  sparkctl render -f nightly.yaml --at 2026-03-08T07:00:00Z\n"
    "                                                  the run of that slot, and its objects\n"
    "  sparkctl render --spark-submit --spark-version 3.5.8 -- --master k8s://https://k8s:6443 \\\n"
    "    --deploy-mode cluster --conf spark.kubernetes.container.image=spark:3.5.8 \\\n"
    "    --class Main local:///opt/app.jar 10\n\n"
    "Nothing is sent anywhere. Exit codes: 0 rendered, 2 wrong usage, 3 no such file, 5 refused:\n"
    "nothing is written then, and the reason says where.";

// As Go writes durations, and days; nullopt if it is none.
std::optional<std::chrono::seconds> since_of(const std::string& text) {
  const bool days = text.ends_with('d');
  const std::string plain = days ? text.substr(0, text.size() - 1) + "h" : text;
  const auto parsed = scheduler::parse_go_duration(plain);
  if (!parsed || *parsed <= 0 || *parsed > INT64_MAX / 24) return std::nullopt;
  const std::chrono::nanoseconds time{days ? *parsed * 24 : *parsed};
  return std::chrono::ceil<std::chrono::seconds>(time);
}

// Of commands whose result is one or more objects.
constexpr std::string_view kWithOutput[] = {"list",   "get",     "describe", "status",
                                            "events", "history", "render"};

struct Example {
  std::string_view command;
  std::string_view text;
};
constexpr Example kExamplesOf[] = {
    {"list", "sparkctl list -A\n  sparkctl list runs nightly-etl --watch\n  sparkctl list -o json"},
    {"get", "sparkctl get nightly-etl -o yaml\n  sparkctl get nightly-etl-20261120t010000z -w"},
    {"describe", "sparkctl describe nightly-etl"},
    {"status", "sparkctl status nightly-etl-20261120t010000z"},
    {"create",
     "sparkctl create -f nightly-etl.yaml\n  cat *.yaml | sparkctl create -f -\n"
     "  sparkctl create etl-once --from nightly-etl     a run of its template, beside the "
     "schedule\n"
     "  sparkctl create -f job.yaml --upload            mainApplicationFile: job.py\n"
     "  sparkctl create -f job.yaml --upload-to s3://artifacts/spark\n"
     "  sparkctl create -f job.yaml --upload-to s3://artifacts --upload-endpoint "
     "http://minio:9000\n"
     "  sparkctl create -f job.yaml --upload-to /srv/spark-files\n\n"
     "--upload sends the files of this machine that mainApplicationFile and deps.jars, files,\n"
     "pyFiles and archives name: plain paths, from the manifest's folder, and file: URIs. Up to\n"
     "1 MiB each goes into ConfigMaps, which go with the last object that uses them; a bucket\n"
     "takes more, and Spark reads it as s3a:// with credentials of its own; a folder is for a\n"
     "service on the same machine. What was sent once is not sent again. When a file is missing "
     "or\n"
     "too large, nothing is sent and nothing is created."},
    {"delete", "sparkctl delete nightly-etl"},
    {"suspend", "sparkctl list -o name | xargs sparkctl suspend"},
    {"resume", "sparkctl resume nightly-etl"},
    {"stop", "sparkctl stop nightly-etl-20261120t010000z"},
    {"retry", "sparkctl retry nightly-etl-20261120t010000z"},
    {"trigger", "sparkctl trigger nightly-etl --wait --timeout 3600"},
    {"history", "sparkctl history nightly-etl\n  sparkctl history -A --failed --since 12h"},
    {"events", "sparkctl events nightly-etl -f"},
    {"why",
     "sparkctl why nightly-etl\n  sparkctl why nightly-etl --at 02:00\n"
     "  sparkctl why nightly-etl --at 2026-11-20T01:00:00Z"},
    {"timeline",
     "sparkctl timeline -A\n  sparkctl timeline --for 7d --zone Europe/Berlin\n\n"
     "TAKES is the median of the runs that completed."},
    {"forward",
     "sparkctl forward nightly-etl\n  sparkctl forward nightly-etl-20261120t010000z --port 0\n\n"
     "On a cluster it goes through the API server's proxy of the pod and takes the right to get\n"
     "pods/proxy."},
    {"logs",
     "sparkctl logs -f nightly-etl\n  sparkctl logs nightly-etl-20261120t010000z --tail 50\n"
     "  sparkctl logs nightly-etl --previous            the attempt before the last\n"
     "  sparkctl logs nightly-etl --grep ERROR --since 1h\n"
     "  sparkctl logs nightly-etl -e 1                  of executor 1"},
    {"version", "sparkctl version --client"},
    {"completion",
     "source <(sparkctl completion bash)\n  source <(sparkctl completion zsh)\n"
     "  sparkctl completion fish | source"},
};

// What the help of every command ends with.
std::string footer_of(std::string_view command) {
  std::string text;
  for (const Example& one : kExamplesOf)
    if (one.command == command) text = "Examples:\n  " + std::string(one.text) + "\n\n";
  return text +
         "Of every command: --kubeconfig FILE, --context NAME, -n/--namespace NAME,\n"
         "-A/--all-namespaces, -o/--output FORMAT, --history-service NAMESPACE/NAME;\n"
         "sparkctl --help explains them.";
}

Command wrap(std::function<base::Status(Session&)> command) {
  return [command = std::move(command)](Session& session) -> base::Result<ExitCode> {
    RETURN_IF_ERROR(command(session));
    return kDone;
  };
}

class CommandLine {
 public:
  CommandLine(const CronContext& cron, int& cron_exit) {
    app_.require_subcommand(1);
    app_.footer(kExamples);
    app_.set_version_flag("--version", sparkcron::version_text());
    add_shared();
    add_reading();
    add_event_listing();
    add_telling();
    add_changing();
    add_following();
    add_rendering();
    add_cron(app_, cron, cron_exit);
    add_rest();
  }

  CLI::App& app() { return app_; }
  [[nodiscard]] const Command& command() const { return command_; }
  [[nodiscard]] const Arguments& arguments() const { return arguments_; }

 private:
  void add_shared() {
    app_.add_option("--kubeconfig", arguments_.connect.kubeconfig,
                    "default: KUBECONFIG, ~/.kube/config, or that of sparkcron standalone");
    app_.add_option("--context", arguments_.connect.context, "a context of the kubeconfig");
    app_.add_option("-n,--namespace", arguments_.ns, "default: the context's");
    app_.add_option("--history-service", arguments_.history_service,
                    "NAMESPACE/NAME of the Service that keeps a cluster's history; default: found "
                    "by its label");
    app_.add_flag("-A,--all-namespaces", arguments_.all_namespaces, "in all namespaces");
    app_.add_option("-o,--output", arguments_.output, "table, wide, json, yaml or name")
        ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
  }

  CLI::App* add(const char* name, const char* description, Command command) {
    CLI::App* added = app_.add_subcommand(name, description);
    added->fallthrough();
    added->callback([this, command = std::move(command)] { command_ = command; });
    return added;
  }

  void add_names(CLI::App* command, const char* what) {
    command->add_option("names", arguments_.names, what)->required();
  }

  void add_watch(CLI::App* command) {
    command->add_flag("-w,--watch", arguments_.watch, "then each change, until interrupted");
  }
  [[nodiscard]] Follow follow() const { return arguments_.watch ? Follow::Yes : Follow::No; }

  void add_reading() {
    CLI::App* listing = add("list", "Schedules, or runs", wrap([this](Session& session) {
                              const bool runs = arguments_.what.starts_with("run");
                              return list(session, runs ? Listed::Runs : Listed::Schedules,
                                          arguments_.name, follow());
                            }));
    add_watch(listing);
    listing->add_option("what", arguments_.what, "schedules (default) or runs")
        ->check(CLI::IsMember({"schedules", "runs", "schedule", "run"}));
    listing->add_option("schedule", arguments_.name, "with runs: only those of this schedule");
    CLI::App* getting =
        add("get", "Schedules or runs by name",
            wrap([this](Session& session) { return get(session, arguments_.names, follow()); }));
    add_names(getting, "schedules or runs");
    add_watch(getting);
    for (const char* name : {"describe", "status"})
      add_names(add(name, "All about schedules or runs",
                    wrap([this](Session& session) { return describe(session, arguments_.names); })),
                "schedules or runs");
  }

  void add_event_listing() {
    CLI::App* telling =
        add("events", "What was said of a schedule, its runs and their pods",
            wrap([this](Session& session) { return events(session, arguments_.name, follow()); }));
    telling->alias("event");
    telling->add_option("name", arguments_.name, "default: all of the namespace");
    telling->add_flag("-f,--follow,-w,--watch", arguments_.watch, "then each as it comes");
  }

  void add_telling() {
    CLI::App* explaining =
        add("why", "In words, why a slot ran, was skipped, is held or is late",
            wrap([this](Session& session) {
              return why(session, {.schedule = arguments_.name, .at = arguments_.at});
            }));
    explaining->add_option("schedule", arguments_.name)->required();
    explaining->add_option("--at", arguments_.at,
                           "RFC 3339, or \"2026-11-20 02:00\" or 02:00 in the schedule's zone; "
                           "default: its last slot");
    CLI::App* planning = add("timeline", "The coming slots of all schedules, and where they crowd",
                             wrap([this](Session& session) {
                               TimelineOptions options{.zone = arguments_.zone};
                               if (const auto span = since_of(arguments_.span))
                                 options.span = *span;
                               return timeline(session, options);
                             }));
    planning->add_option("--for", arguments_.span, "how far: 90m, 12h, 7d; default 24h")
        ->check([](const std::string& text) {
          constexpr std::chrono::seconds kLongest = std::chrono::days{31};
          const auto span = since_of(text);
          return span && *span <= kLongest ? std::string()
                                           : "\"" + text +
                                                 "\" is no duration up to 31d, such as "
                                                 "90m, 12h or 7d";
        });
    planning->add_option("--zone", arguments_.zone, "of the times that are shown; default UTC");
    CLI::App* forwarding = add("forward", "Spark's page of a run, at a port of this machine",
                               wrap([this](Session& session) {
                                 return forward(session, {.name = arguments_.name,
                                                          .port = arguments_.port,
                                                          .remote_port = arguments_.remote_port});
                               }));
    forwarding
        ->add_option("name", arguments_.name, "a run, or a schedule: its newest that is RUNNING")
        ->required();
    forwarding->add_option("-l,--port,--local-port", arguments_.port,
                           "of this machine; default 4040, 0 = any");
    forwarding->add_option("-r,--remote-port", arguments_.remote_port,
                           "of the driver; default: as its status says");
  }

  void add_changing() {
    add_creating();
    add_names(add("delete", "Delete schedules (with their runs) or runs",
                  wrap([this](Session& session) { return remove(session, arguments_.names); })),
              "schedules or runs");
    add_names(add("suspend", "Start no more runs", wrap([this](Session& session) {
                    return set_suspension(session, arguments_.names, Suspension::Suspend);
                  })),
              "schedules");
    add_names(add("resume", "Start runs again, from the next slot", wrap([this](Session& session) {
                    return set_suspension(session, arguments_.names, Suspension::Resume);
                  })),
              "schedules");
    add_names(add("stop", "End a run's driver; the run stays and says who stopped it",
                  wrap([this](Session& session) { return stop(session, arguments_.names); })),
              "runs");
    add_names(add("retry", "One more attempt of a run that failed, for the same slot",
                  wrap([this](Session& session) { return retry(session, arguments_.names); })),
              "runs");
    CLI::App* triggering =
        add("trigger", "Start a run by hand, beside the schedule", [this](Session& session) {
          return trigger(session, {.name = arguments_.name,
                                   .wait = arguments_.wait,
                                   .timeout = std::chrono::seconds{arguments_.timeout}});
        });
    triggering->add_option("schedule", arguments_.name)->required();
    triggering->add_flag("--wait", arguments_.wait,
                         "until the run has ended; exit code 7 if it failed");
    triggering
        ->add_option("--timeout", arguments_.timeout,
                     "with --wait: give up after that many seconds")
        ->check(CLI::NonNegativeNumber);
  }

  void add_creating() {
    CLI::App* creating =
        add("create", "Create what manifests describe, or a run of a schedule's template",
            wrap([this](Session& session) {
              if (!arguments_.from.empty())
                return create_from(session, arguments_.name, arguments_.from);
              arguments_.upload.wanted |= !arguments_.upload.to.url.empty();
              return create(session, arguments_.files, arguments_.upload);
            }));
    CLI::Option* files = creating->add_option("-f,--filename", arguments_.files,
                                              "YAML or JSON; - is standard input");
    CLI::Option* name =
        creating->add_option("name", arguments_.name, "with --from: of the run; alone: a file");
    CLI::Option* from =
        creating->add_option("--from", arguments_.from, "the schedule whose template it is");
    from->needs(name)->excludes(files);
    creating->parse_complete_callback([this] {
      // As the first operator's sparkctl takes it.
      if (arguments_.files.empty() && arguments_.from.empty() && !arguments_.name.empty())
        arguments_.files.push_back(std::exchange(arguments_.name, {}));
      if (arguments_.files.empty() && arguments_.from.empty())
        throw CLI::RequiredError("-f FILE, or NAME --from SCHEDULE,");
    });
    base::s3::Place& to = arguments_.upload.to;
    creating->add_flag("--upload", arguments_.upload.wanted,
                       "Send the files of this machine that the manifests name");
    creating->add_option("--upload-to", to.url,
                         "s3://BUCKET/PREFIX or a folder; default: ConfigMaps");
    creating->add_option("--upload-endpoint", to.endpoint,
                         "URL of the S3-compatible store; default: AWS's of the region");
    creating->add_option("--upload-region", to.region, "Default: $AWS_REGION, else us-east-1");
    creating->add_option("--upload-credentials-file", to.credentials_file,
                         "As ~/.aws/credentials, [default]; default: $AWS_ACCESS_KEY_ID, "
                         "$AWS_SECRET_ACCESS_KEY, $AWS_SESSION_TOKEN");
  }

  void add_since(CLI::App* command, const char* what) {
    command->add_option("--since", arguments_.since, what)->check([](const std::string& text) {
      return since_of(text) ? std::string()
                            : "\"" + text + "\" is no duration such as 90s, 30m, 12h or 7d";
    });
  }

  void add_following() {
    constexpr int kMostHistory = 10'000;
    CLI::App* remembering = add(
        "history", "What became of past slots, pruned runs too", wrap([this](Session& session) {
          return history(session, {.schedule = arguments_.name,
                                   .outcomes = arguments_.failed ? Outcomes::Failed : Outcomes::All,
                                   .since = since_of(arguments_.since),
                                   .limit = arguments_.limit});
        }));
    remembering->add_flag("--failed", arguments_.failed, "only runs that failed");
    add_since(remembering, "what ended in that time: 90s, 30m, 12h, 7d");
    remembering->add_option("schedule", arguments_.name, "default: all of the namespace");
    remembering->add_option("--limit", arguments_.limit, "default 20")
        ->check(CLI::Range(1, kMostHistory));
    add_logging();
  }

  void add_logging() {
    CLI::App* logging = add("logs", "The driver's log", wrap([this](Session& session) {
                              return logs(session, log_options(session.clock.now()));
                            }));
    logging->alias("log");
    logging->add_option("name", arguments_.name, "a run, or a schedule: its newest run")
        ->required();
    CLI::Option* following = logging->add_flag("-f,--follow", arguments_.log.follow,
                                               "from a start that is still to come until the end");
    CLI::Option* previous = logging->add_flag("-p,--previous", arguments_.log.previous,
                                              "of the attempt before the last");
    CLI::Option* attempt =
        logging->add_option("--attempt", arguments_.attempt, "of that attempt; the first is 1")
            ->check(CLI::PositiveNumber);
    CLI::Option* executor =
        logging->add_option("-e,--executor", arguments_.executor,
                            "of that executor, by its number, while its pod is there");
    attempt->excludes(previous)->excludes(following)->excludes(executor);
    previous->excludes(following)->excludes(executor);
    logging->add_option("--grep", arguments_.grep, "only lines with that text");
    add_since(logging, "what was written in that time: 90s, 30m, 12h, 7d");
    logging->add_flag("--timestamps", arguments_.log.timestamps, "in front of each line");
    logging->add_option("-c,--container", arguments_.log.container);
    logging->add_option("--tail", arguments_.tail, "only the last lines")
        ->check(CLI::NonNegativeNumber);
  }

  [[nodiscard]] LogsOptions log_options(base::WallTime now) const {
    LogsOptions options{.name = arguments_.name,
                        .log = arguments_.log,
                        .executor = arguments_.executor,
                        .attempt = arguments_.attempt,
                        .grep = arguments_.grep};
    if (arguments_.tail >= 0) options.log.tail_lines = arguments_.tail;
    if (const auto since = since_of(arguments_.since)) options.log.since = now - *since;
    return options;
  }

  void add_rendering() {
    RenderOptions& render = arguments_.render;
    CLI::App* rendering =
        app_.add_subcommand("render", "What a submission would create; needs no server");
    rendering->fallthrough();
    rendering->footer(kRenderExamples);
    rendering->callback([this] { arguments_.renders = true; });
    CLI::Option* files =
        rendering->add_option("-f,--filename", render.files, "YAML or JSON; - is standard input");
    rendering->add_flag("--as-conf", render.as_conf,
                        "Spark's settings and arguments instead of objects");
    rendering->add_option(
        "--at", render.at,
        "RFC 3339: a schedule's slot (default: the next), or when it is submitted");
    rendering->add_option("--default-time-zone", render.default_time_zone,
                          "of schedules that name none; default UTC");
    rendering->add_option("--conf", render.conf, "KEY=VALUE, as the service has it");
    rendering
        ->add_flag("--spark-submit", render.from_submit,
                   "spark-submit's own arguments follow after --")
        ->excludes(files);
    rendering->add_option(
        "--spark-version", render.submit.spark_version,
        "with --spark-submit: whose spark-submit; default " + render.submit.spark_version);
  }

  void add_rest() {
    CLI::App* telling = add("version", "Of sparkctl and the server",
                            wrap([](Session& session) { return version(session); }));
    add("dashboard", "A link that logs a browser in to the service's pages, once, within 5 minutes",
        wrap([](Session& session) { return dashboard(session); }));
    telling->add_flag("--client", arguments_.client_only, "only of sparkctl");
    app_.add_subcommand("completion", "A script that completes sparkctl's command line")
        ->add_option("shell", arguments_.shell, "bash (default), zsh or fish")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    for (CLI::App* command : app_.get_subcommands(nullptr))
      if (command->get_footer() == app_.get_footer())
        command->footer(footer_of(command->get_name()));
  }

  CLI::App app_{"Spark schedules from the command line", "sparkctl"};
  Arguments arguments_;
  Command command_;
};

Output output_of(const std::string& name) {
  if (name == "wide") return Output::Wide;
  if (name == "json") return Output::Json;
  if (name == "yaml") return Output::Yaml;
  return name == "name" ? Output::Name : Output::Table;
}

int report(const base::Error& error, const Terminal& terminal) {
  terminal.err << "sparkctl: " << error.message << '\n';
  if (const std::string step = next_step(error); !step.empty()) terminal.err << step << '\n';
  return exit_code_of(error);
}

base::Result<ExitCode> execute(const CommandLine& line, const Terminal& terminal,
                               const Environment& environment, base::Clock& clock) {
  const Arguments& arguments = line.arguments();
  auto found = find_connection(arguments.connect, environment);
  // "Not found" is for what an API was asked for.
  if (!found && found.error().code == base::Code::NotFound) {
    report(found.error(), terminal);
    return kNoServer;
  }
  if (!found) return base::failure(found.error());
  kube::Connection connection = std::move(*found);
  connection.client.user_agent = std::string("sparkctl/") + sparkcron::kVersion;
  const std::string server = connection.client.base_url;
  ASSIGN_OR_RETURN(std::unique_ptr<base::http::Client> client,
                   base::http::Client::create(std::move(connection.client)));
  kube::HttpApi api(std::move(client), {.field_manager = "sparkctl",
                                        .field_validation = "Strict",
                                        .on_warning = [&](const std::string& text) {
                                          terminal.err << "Warning: " << safe_text(text) << '\n';
                                        }});
  Session session{
      .api = api,
      .logs = [&](const auto& pod, const auto& options) { return api.logs(pod, options); },
      .raw = [&](const auto& request) { return api.raw(request); },
      .history_service = arguments.history_service,
      .user = environment("USER"),
      .environment = environment,
      .server = server,
      .clock = clock,
      .in = terminal.in,
      .out = terminal.out,
      .err = terminal.err,
      .ns = arguments.ns.empty() ? connection.ns : arguments.ns,
      .scope = arguments.all_namespaces ? Scope::All : Scope::Namespace,
      .output = output_of(arguments.output),
      .colours = terminal.colours};
  return line.command()(session);
}

// CLI11 would take what follows "--" for arguments of its own.
std::vector<std::string> cut_submit_arguments(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (std::find(arguments.begin(), dashes, "--spark-submit") == dashes) return {};
  std::vector<std::string> rest;
  if (dashes != arguments.end()) rest.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return rest;
}

int render_offline(const Arguments& arguments, std::vector<std::string> submit,
                   const Terminal& terminal, const Environment& environment, base::Clock& clock) {
  RenderOptions options = arguments.render;
  options.submit.arguments = std::move(submit);
  const bool nothing =
      options.from_submit ? options.submit.arguments.empty() : options.files.empty();
  if (nothing) {
    terminal.err << (options.from_submit
                         ? "sparkctl: spark-submit's arguments are to follow after --\n"
                         : "sparkctl: render takes -f FILE, or --spark-submit -- ARGUMENTS\n");
    return kUsage;
  }
  const RenderContext context{.in = terminal.in,
                              .out = terminal.out,
                              .err = terminal.err,
                              .environment = environment,
                              .clock = clock,
                              .ns = arguments.ns.empty() ? "default" : arguments.ns,
                              .output = output_of(arguments.output)};
  const base::Status done = render(context, options);
  return done ? int{kDone} : report(done.error(), terminal);
}

std::vector<std::string> commands_of(CommandLine& line) {
  std::vector<std::string> names;
  for (const CLI::App* command : line.app().get_subcommands(nullptr))
    names.push_back(command->get_name());
  names.emplace_back("help");
  return names;
}

Shell shell_of(const std::string& name) {
  return name == "fish" ? Shell::Fish : name == "zsh" ? Shell::Zsh : Shell::Bash;
}

// -o with a command that would not heed it; "" = none.
std::string without_output(CommandLine& line) {
  const auto chosen = line.app().get_subcommands();
  if (line.app().count("--output") == 0 || chosen.empty()) return "";
  const std::string name = chosen.front()->get_name();
  const bool heeds =
      std::find(std::begin(kWithOutput), std::end(kWithOutput), name) != std::end(kWithOutput);
  return heeds ? "" : name;
}

int run_command(std::vector<std::string> arguments, const Terminal& terminal,
                const Environment& environment, base::Clock& clock) {
  std::vector<std::string> submit = cut_submit_arguments(arguments);
  const CronContext cron{.in = terminal.in,
                         .out = terminal.out,
                         .err = terminal.err,
                         .now = std::chrono::floor<std::chrono::seconds>(clock.now())};
  int cron_exit = kDone;
  CommandLine line(cron, cron_exit);
  try {
    // CLI11 takes the arguments last first.
    line.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> left = line.app().remaining();
    if (error.get_name() == "RequiredError" && line.app().get_subcommands().empty() &&
        !left.empty()) {
      terminal.err << "sparkctl: " << explain_unknown_command(left.front(), commands_of(line))
                   << '\n';
      return kUsage;
    }
    return line.app().exit(error, terminal.out, terminal.err) == 0 ? kDone : kUsage;
  }
  if (const std::string name = without_output(line); !name.empty()) {
    terminal.err << "sparkctl: " << name << " takes no -o\n";
    return kUsage;
  }
  if (line.app().got_subcommand("completion")) {
    terminal.out << completion_script(shell_of(line.arguments().shell), commands_of(line));
    return kDone;
  }
  if (line.app().got_subcommand("version")) {
    terminal.out << "client " << sparkcron::kVersion << '\n';
    if (line.arguments().client_only) return kDone;
  }
  if (line.arguments().renders)
    return render_offline(line.arguments(), std::move(submit), terminal, environment, clock);
  if (!line.command()) return cron_exit;
  const auto done = execute(line, terminal, environment, clock);
  return done ? int{*done} : report(done.error(), terminal);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Terminal& terminal,
        const Environment& environment, base::Clock& clock) {
  std::vector<std::string> meant = arguments;
  if (!meant.empty() && meant.front() == "help") {
    meant.erase(meant.begin());
    meant.emplace_back("--help");
  }
  const int code = run_command(std::move(meant), terminal, environment, clock);
  terminal.out.flush();
  if (terminal.out) return code;
  terminal.err << "sparkctl: the output could not be written; it is incomplete\n";
  return code == kDone ? int{kFailed} : code;
}

}  // namespace sparkctl
