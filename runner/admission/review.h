#pragma once

// The admission webhook without its server: an AdmissionReview (admission.k8s.io/v1) in, the reply
// out.
//
// What is refused here is what the controllers would refuse, by the functions that they ask, so
// with and without the webhook the same things run. Checked are new objects and edited specs; what
// only gets a label, a status or a finalizer passes, whatever an older version accepted.
//
// Bodies come from anybody who reaches the port: they are parsed within limits, replies are
// bounded, nothing is kept. Threads: pure but for what Rules holds; any.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/admission/defaults.h"
#include "runner/submission/submission.h"

namespace runner::admission {

// Two copies of an object of 1.5 MB, escaped, with their managedFields.
inline constexpr size_t kMaxBody = size_t{8} << 20;

using Check = std::function<submission::DryRun(const nlohmann::json& object)>;

struct Rules {
  Check schedule;
  Check application;
  // Asked last, of a new application; may be empty. Only Forbidden refuses: a quota that cannot be
  // looked at is the API server's business.
  std::function<base::Status(const nlohmann::json& application)> quota;
  ServiceConf default_conf;
};

// What became of a review, for whoever counts. Changed: allowed, with a patch.
enum class Verdict { Allowed, Changed, Refused, NoReview };

struct Reply {
  int status = 200;  // of HTTP: 400 for what is no review
  std::string body;
  Verdict verdict = Verdict::NoReview;
  // "scheduledsparkapplications", "sparkapplications", "pods", else "other": whatever a body says,
  // these four.
  std::string_view resource = "other";
};
// ScheduledSparkApplications and SparkApplications: may they be stored?
Reply validate(std::string_view body, const Rules& rules);
// SparkApplications get their defaults, plain pods what their annotations ask for.
Reply mutate(std::string_view body, const Rules& rules);

}  // namespace runner::admission
