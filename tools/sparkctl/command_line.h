#pragma once

// sparkctl's command line: what is asked, of whom, and how the answer is shown.
//
// Exit codes: see ExitCode in session.h. Threads: main only.

#include <iosfwd>
#include <string>
#include <vector>

#include "tools/sparkctl/connect.h"
#include "tools/sparkctl/session.h"

namespace sparkctl {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Colours colours = Colours::Off;
  Interactive interactive = Interactive::No;
};

// Runs one command. Never throws.
int run(const std::vector<std::string>& arguments, const Terminal& terminal,
        const Environment& environment, base::Clock& clock);

}  // namespace sparkctl
