#pragma once

// What is asked of an object at the door: the parsing and the dry runs of the two controllers, with
// what they would only warn of.
//
// Threads: the checks from any.

#include <string>

#include "base/clock.h"
#include "runner/admission/review.h"
#include "runner/applications/options.h"

namespace runner::admission {

// Paths as people wrote them: "spec.schedule: …", "spec.template.driver.memory must be …".
Check schedule_check(std::string default_time_zone, applications::ApplicationOptions application,
                     base::Clock& clock);
Check application_check(applications::ApplicationOptions application);

}  // namespace runner::admission
