#pragma once

// Where a run finds its keytab and krb5.conf: not on the machine that submits, but in what the
// driver's pod mounts. Where pods are processes of one machine, on that machine.
//
// Threads: pure functions.

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

void use_kerberos_files(const nlohmann::json& application, FileUris files, Conf& conf);

}  // namespace runner::submission
