#pragma once

// Finds what a name on the command line means.
//
// Threads: main only.

#include <string>
#include <vector>

#include "tools/sparkctl/session.h"

namespace sparkctl {

struct Found {
  kube::ResourceType type;
  std::shared_ptr<const kube::Json> object;
};

// A schedule of that name, or else a run; what -o name prints says which. The object knows its own
// name. NotFound says what to try.
base::Result<Found> find_schedule_or_run(Session& session, const std::string& text);
base::Result<kube::Json> find_schedule(Session& session, const std::string& text);
// The schedule that a run belongs to; "" = none.
std::string schedule_of(const kube::Json& run);
// The runs of a schedule, the newest first. Of what cannot be read nobody knows whose it is.
base::Result<kube::ObjectList> runs_of(Session& session, const std::string& schedule);
// What the history remembers of a run that the API does not have any more; the newest of the name,
// as in `sparkctl history -o json`. NotFound; otherwise as ask_history().
base::Result<kube::Json> past_run(Session& session, const std::string& name);
// All schedules by name, or all runs, the newest first, of the session's namespace or of all.
base::Result<kube::ObjectList> list_all(Session& session, const kube::ResourceType& type);
// Says on the error stream what the list does not hold because it cannot be read.
void say_left_out(Session& session, const kube::ResourceType& type, const kube::ObjectList& list);

// The zone that a schedule goes by, as its status says; before it has one, that of a TZ= or
// CRON_TZ= prefix, or of the spec. "" = the service's default.
std::string zone_in_force(const kube::Json& schedule);

// "scheduledsparkapplication.sparkoperator.k8s.io/nightly", as kubectl says and takes it.
std::string display_name(const kube::ResourceType& type, const std::string& name);

}  // namespace sparkctl
