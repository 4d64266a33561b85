#pragma once

// What the admission webhook goes by: the checks of the two controllers, as this service runs them.
//
// Threads: the rules may be asked from any.

#include "base/clock.h"
#include "kube/api.h"
#include "kube/server/api_server.h"
#include "runner/admission/review.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// The clock and the API must outlive them.
runner::admission::Rules admission_rules(const Options& options, kube::Api& api,
                                         base::Clock& clock);

// What standalone, which has no webhook and refuses nothing at the door, says at once of a schedule
// that will start no run, or not as it was written. The clock must outlive it.
kube::server::Advise schedule_advice(const Options& options, base::Clock& clock);

}  // namespace sparkcron
