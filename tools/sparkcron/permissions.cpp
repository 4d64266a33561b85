// `sparkcron permissions`: the calls that the product makes of a cluster, for people and for the
// chart's roles.

#include "runner/permissions.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/sparkcron/commands.h"

namespace sparkcron {
namespace {

using runner::Permission;
using runner::Role;

bool asked_for(const Options& options, Role role) {
  return options.role.empty() || options.role == runner::describe(role).name;
}

std::string resource_of(const Permission& row) {
  std::string text(row.resource);
  if (!row.group.empty()) {
    const size_t slash = text.find('/');
    text.insert(std::min(slash, text.size()), "." + std::string(row.group));
  }
  return text;
}

void print_table(const Options& options) {
  size_t widest = 0;
  for (const Permission& row : runner::permissions())
    widest = std::max(widest, resource_of(row).size());
  std::cout << std::left << std::setw(21) << "ROLE" << std::setw(18) << "VERB"
            << std::setw(static_cast<int>(widest) + 2) << "RESOURCE" << std::setw(38)
            << "NEEDED WITH"
            << "FOR\n";
  for (const Permission& row : runner::permissions()) {
    if (!asked_for(options, row.role)) continue;
    const runner::RoleDescription& role = runner::describe(row.role);
    std::cout << std::left << std::setw(21) << role.name << std::setw(18) << row.verb
              << std::setw(static_cast<int>(widest) + 2) << resource_of(row) << std::setw(38)
              << role.option << row.feature << "\n";
  }
}

void print_json(const Options& options) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Permission& row : runner::permissions()) {
    if (!asked_for(options, row.role)) continue;
    const runner::RoleDescription& role = runner::describe(row.role);
    all.push_back({{"role", role.name},
                   {"option", role.option},
                   {"group", row.group},
                   {"resource", row.resource},
                   {"verb", row.verb},
                   {"name", row.name},
                   {"feature", row.feature}});
  }
  std::cout << all.dump(2) << "\n";
}

}  // namespace

base::Status run_permissions(const Options& options) {
  if (options.output == "json") {
    print_json(options);
  } else if (options.output == "yaml") {
    for (const runner::RoleDescription& one : runner::roles())
      if (asked_for(options, one.role)) std::cout << runner::rules_yaml(one.role);
  } else {
    print_table(options);
  }
  if (!std::cout.flush())
    return base::failure(base::Code::Unavailable, "standard output cannot be written");
  return {};
}

}  // namespace sparkcron
