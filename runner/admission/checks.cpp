#include "runner/admission/checks.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "config/schedule_spec.h"
#include "runner/applications/context.h"
#include "runner/schedules/run.h"

namespace runner::admission {

using nlohmann::json;
using submission::DryRun;

Check schedule_check(std::string default_time_zone, applications::ApplicationOptions application,
                     base::Clock& clock) {
  return [zone = std::move(default_time_zone), options = std::move(application),
          &clock](const json& schedule) {
    auto parsed = config::parse_schedule_spec(schedule, zone);
    if (!parsed) return DryRun{.refusal = parsed.error(), .warnings = {}};
    const base::WallTime now = clock.now();
    DryRun verdict = applications::dry_run(schedules::trial_run(schedule, parsed->spec, now),
                                           options, "spec.template");
    verdict.warnings.insert(verdict.warnings.begin(), parsed->warnings.begin(),
                            parsed->warnings.end());
    if (!parsed->spec.schedule->next(std::chrono::floor<std::chrono::seconds>(now)))
      verdict.warnings.emplace_back("spec.schedule: no time is left at which it would run");
    return verdict;
  };
}

Check application_check(applications::ApplicationOptions application) {
  return [options = std::move(application)](const json& object) {
    return applications::dry_run(object, options, "spec");
  };
}

}  // namespace runner::admission
