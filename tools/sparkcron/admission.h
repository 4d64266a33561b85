#pragma once

// What the admission webhook goes by: the checks of the two controllers, as this service runs them.
//
// Threads: the rules may be asked from any.

#include "base/clock.h"
#include "kube/api.h"
#include "kube/server/api_server.h"
#include "runner/admission/review.h"
#include "runner/applications/options.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// The clock and the API must outlive them.
runner::admission::Rules admission_rules(const Options& options, kube::Api& api,
                                         base::Clock& clock);

// What standalone, which has no webhook and refuses nothing at the door, says at once of a schedule
// that will start no run, or not as it was written, and of an application that people create and
// that cannot run. `application`: as its controllers have it, or it would be untrue. The clock must
// outlive it.
kube::server::Advise advice(const Options& options,
                            const runner::applications::ApplicationOptions& application,
                            base::Clock& clock);

}  // namespace sparkcron
