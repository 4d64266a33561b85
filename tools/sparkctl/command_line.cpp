#include "tools/sparkctl/command_line.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <utility>

#include "tools/sparkcron/version.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/completion.h"
#include "tools/sparkctl/cron.h"
#include "tools/sparkctl/render.h"
#include "tools/sparkctl/subcommands.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

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

base::Result<ExitCode> execute(const Subcommands& line, const Terminal& terminal,
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
  // Of who made a schedule the service takes no trigger away, as it may be part of a manifest.
  const char* const manager = line.chosen() == "trigger" ? "sparkctl-trigger" : "sparkctl";
  kube::HttpApi api(std::move(client), {.field_manager = manager,
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
      .colours = terminal.colours,
      .interactive = terminal.interactive};
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

Shell shell_of(const std::string& name) {
  return name == "fish" ? Shell::Fish : name == "zsh" ? Shell::Zsh : Shell::Bash;
}

int run_command(std::vector<std::string> arguments, const Terminal& terminal,
                const Environment& environment, base::Clock& clock) {
  std::vector<std::string> submit = cut_submit_arguments(arguments);
  const CronContext cron{.in = terminal.in,
                         .out = terminal.out,
                         .err = terminal.err,
                         .now = std::chrono::floor<std::chrono::seconds>(clock.now())};
  int cron_exit = kDone;
  Subcommands line(cron, cron_exit);
  if (const auto done = line.parse(arguments, terminal.out, terminal.err)) return *done;
  if (line.chosen() == "completion") {
    terminal.out << completion_script(shell_of(line.arguments().shell), line.names());
    return kDone;
  }
  if (line.chosen() == "version") {
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
