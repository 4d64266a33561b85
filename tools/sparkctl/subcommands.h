#pragma once

// Subcommands: what sparkctl's commands are called, what they take, and which function each of them
// is.
//
// A command reads the arguments when it is called, so this lives until then. Threads: main only.

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/sparkctl/arguments.h"
#include "tools/sparkctl/cron.h"

namespace sparkctl {

class Subcommands {
 public:
  // `sparkctl cron` runs while it is parsed, and leaves its exit code in `cron_exit`.
  Subcommands(const CronContext& cron, int& cron_exit);
  ~Subcommands();
  Subcommands(const Subcommands&) = delete;
  Subcommands& operator=(const Subcommands&) = delete;

  // The exit code if there is nothing more to do: help, the version, or a mistake, which was told.
  std::optional<int> parse(const std::vector<std::string>& arguments, std::ostream& out,
                           std::ostream& err);
  [[nodiscard]] const Arguments& arguments() const;
  // Null for those that ask no server.
  [[nodiscard]] const Command& command() const;
  // The command's name, "" before it is parsed.
  [[nodiscard]] std::string chosen() const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sparkctl
