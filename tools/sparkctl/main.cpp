// sparkctl: the command line of sparkcron.
#include <chrono>
#include <iostream>

#include "base/clock.h"
#include "tools/sparkctl/cron.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments.front() != "cron") {
    std::cerr << "usage: sparkctl cron next|prev|explain|check|calendar …\n";
    return 2;
  }
  std::ios::sync_with_stdio(false);
  const sparkctl::CronContext context{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .now = std::chrono::floor<std::chrono::seconds>(base::real_clock().now())};
  return sparkctl::cron_main({arguments.begin() + 1, arguments.end()}, context);
}
