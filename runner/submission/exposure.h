#pragma once

// How a driver is reached from outside of its run: spec.sparkUIOptions and
// spec.driverIngressOptions as Services, with an Ingress or, where the service names a Gateway, an
// HTTPRoute in front of them. URLs are formats: "{{$appName}}.example.com/{{$appNamespace}}".
//
// Errors: told to `spec`, by path. Threads: pure.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/fields.h"
#include "runner/submission/submission.h"

namespace runner::submission {

// Adds to `objects` what is to be created; `conf` tells Spark's UI the path that it is shown under.
WebUi add_exposure(Fields& spec, const nlohmann::json& application, const Context& context,
                   Conf& conf, std::vector<nlohmann::json>& objects);

}  // namespace runner::submission
