// sparkcron: the service. See `sparkcron --help`.

#include <iostream>
#include <string_view>

#include "base/log.h"
#include "runner/node/supervisor.h"
#include "tools/sparkcron/command_line.h"
#include "tools/sparkcron/commands.h"

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
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  // The same program supervises each pod, so that one binary is all there is to install.
  if (argc > 1 && std::string_view(argv[1]) == "supervise") {
    return runner::node::supervise_main(argc - 1, argv + 1);
  }
  const sparkcron::Parsed parsed = sparkcron::parse_command_line(argc, argv);
  if (!parsed.command_line) return parsed.exit_code;
  sparkcron::block_stop_signals();
  base::configure_log(parsed.command_line->options.log_format,
                      parsed.command_line->options.log_level);
  if (const auto done = run(*parsed.command_line); !done) {
    std::cerr << "sparkcron: " << done.error().message << "\n";
    return sparkcron::kExitFailure;
  }
  return sparkcron::kExitOk;
}
