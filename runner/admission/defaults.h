#pragma once

// The defaults that the Kubeflow operator's webhook writes into a SparkApplication, so that people
// and tools read them there. They say what is done without them anyway: a run is submitted alike.
//
// Where the service has a default of its own (Rules::default_conf), nothing is written: it would
// hide it. An update only puts back what the object had and the update left out
// (`kubectl replace` of a manifest), so that a default is never an edit, which would start a
// finished application anew.
//
// Threads: pure.

#include <map>
#include <string>

#include <nlohmann/json.hpp>  // values

namespace runner::admission {

using ServiceConf = std::map<std::string, std::string>;

nlohmann::json with_defaults(nlohmann::json application, const ServiceConf& service);
nlohmann::json with_kept_defaults(nlohmann::json application, const nlohmann::json& old,
                                  const ServiceConf& service);

}  // namespace runner::admission
