#pragma once

// `sparkctl cron`: asks the cron engine from the command line; needs no API server.
//
//   next, prev   slots with local time, UTC and DST notes; next --batch answers TSV questions
//   explain      the expression in plain English
//   check        exit code 0: accepted and can fire; 1: refused, or never fires
//   calendar     a month as a table
//
// Exit codes: 0 fine, 1 the expression or zone was refused, 2 wrong usage.

#include <iosfwd>
#include <string>
#include <vector>

#include "scheduler/time_zone.h"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace sparkctl {

struct CronContext {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  scheduler::Instant now;
};

// Adds the subcommand `cron` to an app; it runs while the app parses its command line and leaves
// its exit code in `exit_code`. The context must outlive the app.
void add_cron(CLI::App& app, const CronContext& context, int& exit_code);

// The arguments after "cron".
int cron_main(const std::vector<std::string>& arguments, const CronContext& context);

}  // namespace sparkctl
