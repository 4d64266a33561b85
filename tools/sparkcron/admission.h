#pragma once

// What the admission webhook goes by: the checks of the two controllers, as this service runs them.
//
// Threads: the rules may be asked from any.

#include "base/clock.h"
#include "kube/api.h"
#include "runner/admission/review.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// The clock and the API must outlive them.
runner::admission::Rules admission_rules(const Options& options, kube::Api& api,
                                         base::Clock& clock);

}  // namespace sparkcron
