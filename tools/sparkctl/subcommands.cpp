#include "tools/sparkctl/subcommands.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "scheduler/cron_duration.h"
#include "tools/sparkcron/version.h"
#include "tools/sparkctl/help_texts.h"
#include "tools/sparkctl/unknown_command.h"
#include "tools/usage/unknown.h"

namespace sparkctl {
namespace {

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

Command wrap(std::function<base::Status(Session&)> command) {
  return [command = std::move(command)](Session& session) -> base::Result<ExitCode> {
    RETURN_IF_ERROR(command(session));
    return kDone;
  };
}

}  // namespace

struct Subcommands::Parts {
  Parts(const CronContext& cron, int& cron_exit) {
    app.require_subcommand(1);
    app.footer(kExamples);
    app.set_version_flag("--version", sparkcron::version_text());
    add_shared();
    add_reading();
    add_event_listing();
    add_telling();
    add_changing();
    add_following();
    add_rendering();
    add_cron(app, cron, cron_exit);
    add_rest();
  }

  void add_shared() {
    app.add_option("--kubeconfig", arguments.connect.kubeconfig,
                   "default: KUBECONFIG, ~/.kube/config, or that of sparkcron standalone");
    app.add_option("--context", arguments.connect.context, "a context of the kubeconfig");
    app.add_option("-n,--namespace", arguments.ns, "default: the context's");
    app.add_option("--history-service", arguments.history_service,
                   "NAMESPACE/NAME of the Service that keeps a cluster's history; default: found "
                   "by its label");
    app.add_flag("-A,--all-namespaces", arguments.all_namespaces, "in all namespaces");
    app.add_option("-o,--output", arguments.output, "table, wide, json, yaml or name")
        ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
  }

  CLI::App* add(const char* name, const char* description, Command command) {
    CLI::App* added = app.add_subcommand(name, description);
    added->fallthrough();
    added->callback([this, command = std::move(command)] { chosen = command; });
    return added;
  }

  void add_names(CLI::App* command, const char* what) {
    command->add_option("names", arguments.names, what)->required();
  }

  void add_watch(CLI::App* command) {
    command->add_flag("-w,--watch", arguments.watch, "then each change, until interrupted");
  }
  [[nodiscard]] Follow follow() const { return arguments.watch ? Follow::Yes : Follow::No; }

  void add_reading() {
    CLI::App* listing = add("list", "Schedules, or runs", wrap([this](Session& session) {
                              const bool runs = arguments.what.starts_with("run");
                              return list(session, runs ? Listed::Runs : Listed::Schedules,
                                          arguments.name, follow());
                            }));
    add_watch(listing);
    listing->add_option("what", arguments.what, "schedules (default) or runs")
        ->check(CLI::IsMember({"schedules", "runs", "schedule", "run"}));
    listing->add_option("schedule", arguments.name, "with runs: only those of this schedule");
    CLI::App* getting =
        add("get", "Schedules or runs by name",
            wrap([this](Session& session) { return get(session, arguments.names, follow()); }));
    add_names(getting, "schedules or runs");
    add_watch(getting);
    for (const char* name : {"describe", "status"})
      add_names(add(name, "All about schedules or runs",
                    wrap([this](Session& session) { return describe(session, arguments.names); })),
                "schedules or runs");
  }

  void add_event_listing() {
    CLI::App* telling =
        add("events", "What was said of a schedule, its runs and their pods",
            wrap([this](Session& session) { return events(session, arguments.name, follow()); }));
    telling->alias("event");
    telling->add_option("name", arguments.name, "default: all of the namespace");
    telling->add_flag("-f,--follow,-w,--watch", arguments.watch, "then each as it comes");
  }

  void add_telling() {
    CLI::App* explaining =
        add("why", "In words, why a slot ran, was skipped, is held or is late",
            wrap([this](Session& session) {
              return why(session, {.schedule = arguments.name, .at = arguments.at});
            }));
    explaining->add_option("schedule", arguments.name)->required();
    explaining->add_option("--at", arguments.at,
                           "RFC 3339, or \"2026-11-20 02:00\" or 02:00 in the schedule's zone; "
                           "default: its last slot");
    CLI::App* planning = add("timeline", "The coming slots of all schedules, and where they crowd",
                             wrap([this](Session& session) {
                               TimelineOptions options{.zone = arguments.zone};
                               if (const auto span = since_of(arguments.span)) options.span = *span;
                               return timeline(session, options);
                             }));
    planning->add_option("--for", arguments.span, "how far: 90m, 12h, 7d; default 24h")
        ->check([](const std::string& text) {
          constexpr std::chrono::seconds kLongest = std::chrono::days{31};
          const auto span = since_of(text);
          return span && *span <= kLongest ? std::string()
                                           : "\"" + text +
                                                 "\" is no duration up to 31d, such as "
                                                 "90m, 12h or 7d";
        });
    planning->add_option("--zone", arguments.zone, "of the times that are shown; default UTC");
    CLI::App* forwarding = add("forward", "Spark's page of a run, at a port of this machine",
                               wrap([this](Session& session) {
                                 return forward(session, {.name = arguments.name,
                                                          .port = arguments.port,
                                                          .remote_port = arguments.remote_port});
                               }));
    forwarding
        ->add_option("name", arguments.name, "a run, or a schedule: its newest that is RUNNING")
        ->required();
    forwarding->add_option("-l,--port,--local-port", arguments.port,
                           "of this machine; default 4040, 0 = any");
    forwarding->add_option("-r,--remote-port", arguments.remote_port,
                           "of the driver; default: as its status says");
  }

  void add_changing() {
    add_creating();
    add_names(add("delete", "Delete schedules (with their runs) or runs",
                  wrap([this](Session& session) { return remove(session, arguments.names); })),
              "schedules or runs");
    add_names(add("suspend", "Start no more runs", wrap([this](Session& session) {
                    return set_suspension(session, arguments.names, Suspension::Suspend);
                  })),
              "schedules");
    add_names(add("resume", "Start runs again, from the next slot", wrap([this](Session& session) {
                    return set_suspension(session, arguments.names, Suspension::Resume);
                  })),
              "schedules");
    add_names(add("stop", "End a run's driver; the run stays and says who stopped it",
                  wrap([this](Session& session) { return stop(session, arguments.names); })),
              "runs");
    add_names(add("retry", "One more attempt of a run that failed, for the same slot",
                  wrap([this](Session& session) { return retry(session, arguments.names); })),
              "runs");
    CLI::App* triggering =
        add("trigger", "Start a run by hand, beside the schedule", [this](Session& session) {
          return trigger(session, {.name = arguments.name,
                                   .wait = arguments.wait,
                                   .timeout = std::chrono::seconds{arguments.timeout}});
        });
    triggering->add_option("schedule", arguments.name)->required();
    triggering->add_flag("--wait", arguments.wait,
                         "until the run has ended; exit code 7 if it failed");
    triggering
        ->add_option("--timeout", arguments.timeout, "with --wait: give up after that many seconds")
        ->check(CLI::NonNegativeNumber);
  }

  void add_creating() {
    CLI::App* creating =
        add("create", "Create what manifests describe, or a run of a schedule's template",
            wrap([this](Session& session) {
              if (!arguments.from.empty())
                return create_from(session, arguments.name, arguments.from);
              arguments.upload.wanted |= !arguments.upload.to.url.empty();
              return create(session, arguments.files, arguments.upload);
            }));
    CLI::Option* files =
        creating->add_option("-f,--filename", arguments.files, "YAML or JSON; - is standard input");
    CLI::Option* name =
        creating->add_option("name", arguments.name, "with --from: of the run; alone: a file");
    CLI::Option* from =
        creating->add_option("--from", arguments.from, "the schedule whose template it is");
    from->needs(name)->excludes(files);
    creating->parse_complete_callback([this] {
      // As the first operator's sparkctl takes it.
      if (arguments.files.empty() && arguments.from.empty() && !arguments.name.empty())
        arguments.files.push_back(std::exchange(arguments.name, {}));
      if (arguments.files.empty() && arguments.from.empty())
        throw CLI::RequiredError("-f FILE, or NAME --from SCHEDULE,");
    });
    base::s3::Place& to = arguments.upload.to;
    creating->add_flag("--upload", arguments.upload.wanted,
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
    command->add_option("--since", arguments.since, what)->check([](const std::string& text) {
      return since_of(text) ? std::string()
                            : "\"" + text + "\" is no duration such as 90s, 30m, 12h or 7d";
    });
  }

  void add_following() {
    constexpr int kMostHistory = 10'000;
    CLI::App* remembering = add(
        "history", "What became of past slots, pruned runs too", wrap([this](Session& session) {
          return history(session, {.schedule = arguments.name,
                                   .outcomes = arguments.failed ? Outcomes::Failed : Outcomes::All,
                                   .since = since_of(arguments.since),
                                   .limit = arguments.limit});
        }));
    remembering->add_flag("--failed", arguments.failed, "only runs that failed");
    add_since(remembering, "what ended in that time: 90s, 30m, 12h, 7d");
    remembering->add_option("schedule", arguments.name, "default: all of the namespace");
    remembering->add_option("--limit", arguments.limit, "default 20")
        ->check(CLI::Range(1, kMostHistory));
    add_logging();
  }

  void add_logging() {
    CLI::App* logging = add("logs", "The driver's log", wrap([this](Session& session) {
                              return logs(session, log_options(session.clock.now()));
                            }));
    logging->alias("log");
    logging->add_option("name", arguments.name, "a run, or a schedule: its newest run")->required();
    CLI::Option* following = logging->add_flag("-f,--follow", arguments.log.follow,
                                               "from a start that is still to come until the end");
    CLI::Option* previous = logging->add_flag("-p,--previous", arguments.log.previous,
                                              "of the attempt before the last");
    CLI::Option* attempt =
        logging->add_option("--attempt", arguments.attempt, "of that attempt; the first is 1")
            ->check(CLI::PositiveNumber);
    CLI::Option* executor =
        logging->add_option("-e,--executor", arguments.executor,
                            "of that executor, by its number, while its pod is there");
    attempt->excludes(previous)->excludes(following)->excludes(executor);
    previous->excludes(following)->excludes(executor);
    logging->add_option("--grep", arguments.grep, "only lines with that text");
    add_since(logging, "what was written in that time: 90s, 30m, 12h, 7d");
    logging->add_flag("--timestamps", arguments.log.timestamps, "in front of each line");
    logging->add_option("-c,--container", arguments.log.container);
    logging->add_option("--tail", arguments.tail, "only the last lines")
        ->check(CLI::NonNegativeNumber);
  }

  [[nodiscard]] LogsOptions log_options(base::WallTime now) const {
    LogsOptions options{.name = arguments.name,
                        .log = arguments.log,
                        .executor = arguments.executor,
                        .attempt = arguments.attempt,
                        .grep = arguments.grep};
    if (arguments.tail >= 0) options.log.tail_lines = arguments.tail;
    if (const auto since = since_of(arguments.since)) options.log.since = now - *since;
    return options;
  }

  void add_rendering() {
    RenderOptions& render = arguments.render;
    CLI::App* rendering =
        app.add_subcommand("render", "What a submission would create; needs no server");
    rendering->fallthrough();
    rendering->footer(kRenderExamples);
    rendering->callback([this] { arguments.renders = true; });
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
    add("dashboard",
        "Opens the service's pages: a link that logs a browser in, once, within 5 minutes",
        wrap([this](Session& session) {
          return dashboard(session, arguments.no_open ? Opening::None : Opening::Browser);
        }))
        ->add_flag("--no-open", arguments.no_open, "only prints the link");
    telling->add_flag("--client", arguments.client_only, "only of sparkctl");
    app.add_subcommand("completion", "A script that completes sparkctl's command line")
        ->add_option("shell", arguments.shell, "bash (default), zsh or fish")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    for (CLI::App* command : app.get_subcommands(nullptr))
      if (command->get_footer() == app.get_footer())
        command->footer(footer_of(command->get_name()));
  }

  CLI::App app{"Spark schedules from the command line", "sparkctl"};
  Arguments arguments;
  Command chosen;
};

Subcommands::Subcommands(const CronContext& cron, int& cron_exit)
    : parts_(std::make_unique<Parts>(cron, cron_exit)) {}

Subcommands::~Subcommands() = default;

std::optional<int> Subcommands::parse(const std::vector<std::string>& arguments, std::ostream& out,
                                      std::ostream& err) {
  CLI::App& app = parts_->app;
  try {
    // CLI11 takes the arguments last first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> left = app.remaining();
    if (error.get_name() == "RequiredError" && chosen().empty() && !left.empty()) {
      err << "sparkctl: " << explain_unknown_command(left.front(), names()) << '\n';
      return kUsage;
    }
    const auto unknown =
        error.get_exit_code() == 0 ? std::nullopt : usage::explain_unknown_option(app);
    if (unknown) {
      err << "sparkctl: " << *unknown << '\n';
      return kUsage;
    }
    return app.exit(error, out, err) == 0 ? int{kDone} : int{kUsage};
  }
  const bool heeds_output =
      std::find(std::begin(kWithOutput), std::end(kWithOutput), chosen()) != std::end(kWithOutput);
  if (app.count("--output") > 0 && !heeds_output) {
    err << "sparkctl: " << chosen() << " takes no -o\n";
    return kUsage;
  }
  return std::nullopt;
}

const Arguments& Subcommands::arguments() const {
  return parts_->arguments;
}

const Command& Subcommands::command() const {
  return parts_->chosen;
}

std::string Subcommands::chosen() const {
  const auto parsed = parts_->app.get_subcommands();
  return parsed.empty() ? "" : parsed.front()->get_name();
}

std::vector<std::string> Subcommands::names() const {
  std::vector<std::string> names;
  for (const CLI::App* command : parts_->app.get_subcommands(nullptr))
    names.push_back(command->get_name());
  names.emplace_back("help");
  return names;
}

}  // namespace sparkctl
