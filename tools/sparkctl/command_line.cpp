#include "tools/sparkctl/command_line.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <ostream>

#include <CLI/CLI.hpp>

#include "tools/sparkcron/version.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/completion.h"
#include "tools/sparkctl/cron.h"
#include "tools/sparkctl/render.h"

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
  std::string what = "schedules";
  int limit = 20;
  bool wait = false;
  int timeout = 0;
  kube::LogOptions log;
  int tail = -1;
  bool client_only = false;
  RenderOptions render;
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
    "  sparkctl render -f app.yaml           what a submission would create; no cluster needed\n"
    "  sparkctl cron next '0 2 * * MON-FRI' --zone Europe/Berlin\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed,\n"
    "5 refused by the API, 6 the API does not answer, 7 the triggered run failed.";

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

  void add_reading() {
    CLI::App* listing =
        add("list", "Schedules, or runs", wrap([this](Session& session) {
              const bool runs = arguments_.what == "runs";
              return list(session, runs ? Listed::Runs : Listed::Schedules, arguments_.name);
            }));
    listing->add_option("what", arguments_.what, "schedules (default) or runs")
        ->check(CLI::IsMember({"schedules", "runs"}));
    listing->add_option("schedule", arguments_.name, "with runs: only those of this schedule");
    add_names(add("get", "Schedules or runs by name",
                  wrap([this](Session& session) { return get(session, arguments_.names); })),
              "schedules or runs");
    add_names(add("describe", "All about schedules or runs",
                  wrap([this](Session& session) { return describe(session, arguments_.names); })),
              "schedules or runs");
  }

  void add_changing() {
    add("create", "Create what manifests describe",
        wrap([this](Session& session) { return create(session, arguments_.files); }))
        ->add_option("-f,--filename", arguments_.files, "YAML or JSON; - is standard input")
        ->required();
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

  void add_following() {
    constexpr int kMostHistory = 10'000;
    CLI::App* remembering =
        add("history", "What became of past slots, pruned runs too", wrap([this](Session& session) {
              return history(session, arguments_.name, arguments_.limit);
            }));
    remembering->add_option("schedule", arguments_.name, "default: all of the namespace");
    remembering->add_option("--limit", arguments_.limit, "default 20")
        ->check(CLI::Range(1, kMostHistory));
    CLI::App* logging =
        add("logs", "The driver's log", wrap([this](Session& session) {
              if (arguments_.tail >= 0) arguments_.log.tail_lines = arguments_.tail;
              return logs(session, {.name = arguments_.name, .log = arguments_.log});
            }));
    logging->add_option("name", arguments_.name, "a run, or a schedule: its newest run")
        ->required();
    logging->add_flag("-f,--follow", arguments_.log.follow, "until the driver ends");
    logging->add_flag("-p,--previous", arguments_.log.previous, "of the container before");
    logging->add_flag("--timestamps", arguments_.log.timestamps, "in front of each line");
    logging->add_option("-c,--container", arguments_.log.container);
    logging->add_option("--tail", arguments_.tail, "only the last lines")
        ->check(CLI::NonNegativeNumber);
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
    telling->add_flag("--client", arguments_.client_only, "only of sparkctl");
    app_.add_subcommand("completion", "A bash script that completes sparkctl's command line");
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
  ASSIGN_OR_RETURN(kube::Connection connection, find_connection(arguments.connect, environment));
  connection.client.user_agent = std::string("sparkctl/") + sparkcron::kVersion;
  ASSIGN_OR_RETURN(std::unique_ptr<base::http::Client> client,
                   base::http::Client::create(std::move(connection.client)));
  kube::HttpApi api(std::move(client), {.field_manager = "sparkctl"});
  Session session{
      .api = api,
      .logs = [&](const auto& pod, const auto& options) { return api.logs(pod, options); },
      .raw = [&](const auto& request) { return api.raw(request); },
      .history_service = arguments.history_service,
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

}  // namespace

int run(const std::vector<std::string>& given, const Terminal& terminal,
        const Environment& environment, base::Clock& clock) {
  std::vector<std::string> arguments = given;
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
      terminal.err << "sparkctl: there is no command \"" << left.front()
                   << "\"; sparkctl --help lists them\n";
      return kUsage;
    }
    return line.app().exit(error, terminal.out, terminal.err) == 0 ? kDone : kUsage;
  }
  if (line.app().got_subcommand("completion")) {
    terminal.out << kBashCompletion;
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

}  // namespace sparkctl
