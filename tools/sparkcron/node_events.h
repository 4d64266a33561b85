#pragma once

// What the program itself says at its node, where `kubectl describe node` shows it.
//
// Threads: any.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/event_recorder.h"

namespace sparkcron {

// The Node as events regard it.
nlohmann::json node_reference(const std::string& name);

// Without a java (check_java() says so) the service starts all the same, since one may be installed
// while it runs: the log and an event say what will happen until then.
void report_java(const base::Status& java, kube::EventRecorder& events, const std::string& node);

}  // namespace sparkcron
