#pragma once

// sparkctl through its command line, in the test's own process: no terminal, no variables but those
// that are given.
//
// Threads: one.

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tools/sparkctl/command_line.h"

namespace sparkctl::test {

struct Ran {
  int code;
  std::string out;
  std::string err;
};
using Variables = std::map<std::string, std::string>;

inline Ran run_sparkctl(const std::vector<std::string>& arguments, const Variables& variables = {},
                        const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  tests::FakeClock clock;
  const int code = run(
      arguments, {.in = in, .out = out, .err = err},
      [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
      },
      clock);
  return {code, out.str(), err.str()};
}

}  // namespace sparkctl::test
