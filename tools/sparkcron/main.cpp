// sparkcron: the service. See `sparkcron --help`.

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "runner/node/supervisor.h"
#include "tools/sparkcron/command_line.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/process_setup.h"

namespace {

base::Status run(const sparkcron::CommandLine& line) {
  switch (line.command) {
    case sparkcron::Command::Standalone:
      return sparkcron::run_standalone(line.options);
    case sparkcron::Command::Controller:
      return sparkcron::run_controller(line.options);
    case sparkcron::Command::ApiServer:
      return sparkcron::run_apiserver(line.options);
    case sparkcron::Command::Node:
      return sparkcron::run_node(line.options);
    case sparkcron::Command::Release:
      return sparkcron::run_release(line.options);
    case sparkcron::Command::Permissions:
      return sparkcron::run_permissions(line.options);
  }
  return {};
}

int report(const base::Status& done) {
  if (done) return sparkcron::kExitOk;
  std::cerr << "sparkcron: " << done.error().message << "\n";
  return sparkcron::kExitFailure;
}

int serve(sparkcron::CommandLine line) {
  sparkcron::make_files_private();
  sparkcron::set_up_signals();
  base::use_few_arenas();
  base::configure_log(line.options.log_format, line.options.log_level);
  const sparkcron::Limits limits = sparkcron::raise_limits();
  const sparkcron::ServerShare share = sparkcron::share_of(limits);
  line.options.max_connections = share.max_connections;
  line.options.memory_budget = share.memory_budget;
  base::log_info("sparkcron", "Took what the process may use",
                 {{"descriptors", std::to_string(limits.descriptors)},
                  {"connections", std::to_string(share.max_connections)},
                  {"memory", std::to_string(limits.memory >> 20) + "Mi"},
                  {"requests", std::to_string(share.memory_budget >> 20) + "Mi"}});
  const base::Status done = base::guarded("run", [&] { return run(line); });
  if (!done) base::flush_log(std::chrono::seconds(1));
  return report(done);
}

}  // namespace

int main(int argc, char** argv) {
  // The same program supervises each pod, so that one binary is all there is to install.
  if (argc > 1 && std::string_view(argv[1]) == "supervise")
    return runner::node::supervise_main(argc - 1, argv + 1);
  const sparkcron::Parsed parsed = sparkcron::parse_command_line(argc, argv);
  if (!parsed.command_line) return parsed.exit_code;
  if (parsed.command_line->command == sparkcron::Command::Permissions)
    return report(run(*parsed.command_line));
  return serve(*parsed.command_line);
}
