#pragma once

// parse_command_line: arguments in, a command and its Options out. CLI11 stays in the one .cpp.
//
// Threads: main only.

#include <optional>
#include <string>

#include "tools/sparkcron/options.h"

namespace sparkcron {

enum class Command { Standalone, Controller, ApiServer, Node, Release, Permissions };

struct CommandLine {
  Command command = Command::Standalone;
  Options options;
};

// Exit codes of the program, documented in --help.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

struct Parsed {
  // Set when there is something to run; otherwise the program has spoken (help, version, an error)
  // and ends.
  std::optional<CommandLine> command_line;
  int exit_code = kExitOk;
};

Parsed parse_command_line(int argc, char** argv);

}  // namespace sparkcron
