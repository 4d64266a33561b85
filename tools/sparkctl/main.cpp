// sparkctl: the command line of sparkcron.
#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tools/sparkctl/command_line.h"

namespace {

// https://no-color.org
bool wants_colours() {
  const char* const terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  // What libraries of the service log is not for a person at a terminal.
  base::configure_log(base::LogFormat::Text, base::LogLevel::Off);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return sparkctl::run(
      arguments,
      {.in = std::cin,
       .out = std::cout,
       .err = std::cerr,
       .colours = wants_colours() ? sparkctl::Colours::On : sparkctl::Colours::Off,
       .interactive =
           isatty(STDOUT_FILENO) != 0 ? sparkctl::Interactive::Yes : sparkctl::Interactive::No},
      [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
      },
      base::real_clock());
}
