#include <algorithm>
#include <ostream>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

bool is_manual(const kube::Json& run) {
  return kube::key_of(run).name.find("-manual-") != std::string::npos;
}

// The first manual run of the schedule that was not there before.
base::Result<std::optional<kube::Json>> new_run(Session& session, const std::string& schedule,
                                                const std::set<std::string>& before) {
  ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, schedule));
  const auto found = std::find_if(
      runs.items.rbegin(), runs.items.rend(),
      [&](const kube::Json& run) { return is_manual(run) && !before.contains(kube::uid_of(run)); });
  return found == runs.items.rend() ? std::nullopt : std::optional(*found);
}

class Waiting {
 public:
  Waiting(Session& session, const TriggerOptions& options)
      : session_(session), options_(options), begin_(session.clock.steady_now()) {}

  // Cancelled once the time is over (no server failed), otherwise after a short pause.
  base::Status wait(const std::string& what) {
    if (options_.timeout.count() > 0 && session_.clock.steady_now() - begin_ >= options_.timeout) {
      return base::failure(
          base::Code::Cancelled,
          "--timeout of " + std::to_string(options_.timeout.count()) + " s is over: " + what);
    }
    pause(session_.clock);
    return {};
  }

 private:
  Session& session_;
  const TriggerOptions& options_;
  const base::SteadyTime begin_;
};

base::Result<ExitCode> await_end(Session& session, const TriggerOptions& options,
                                 const std::set<std::string>& before) {
  Waiting waiting(session, options);
  kube::ObjectKey run;
  while (run.name.empty()) {
    ASSIGN_OR_RETURN(const std::optional<kube::Json> started,
                     new_run(session, options.name, before));
    if (started) {
      run = kube::key_of(*started);
      session.err << "started " << run.name << '\n';
    } else {
      RETURN_IF_ERROR(
          waiting.wait("no run was started (an unfinished run holds it back under "
                       "concurrencyPolicy Forbid)"));
    }
  }
  std::string shown;
  while (true) {
    const auto object = session.api.get(config::spark_applications(), run);
    if (!object) return base::failure(object.error());
    const std::string state = state_of(*object);
    const std::string why = reason_of(*object).empty() ? "" : ": " + safe_text(reason_of(*object));
    const bool final = is_final(state);
    if (state + why != shown) session.err << run.name << ' ' << state << (final ? "" : why) << '\n';
    shown = state + why;
    if (final) {
      session.out << run.name << ' ' << coloured(state, colour_of(state), session.colours) << why
                  << '\n';
      return state == "COMPLETED" ? kDone : kRunFailed;
    }
    RETURN_IF_ERROR(waiting.wait(run.name + " is still " + state));
  }
}

}  // namespace

base::Result<ExitCode> trigger(Session& session, const TriggerOptions& asked) {
  ASSIGN_OR_RETURN(const kube::Json schedule, find_schedule(session, asked.name));
  TriggerOptions options = asked;
  options.name = kube::key_of(schedule).name;
  std::set<std::string> before;
  if (options.wait) {
    ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, options.name));
    say_left_out(session, config::spark_applications(), runs);
    for (const kube::Json& run : runs.items)
      before.insert(kube::uid_of(run));
  }
  // Any new value is an order; the time makes it new and says when.
  const kube::Json patch = {
      {"metadata",
       {{"annotations",
         {{config::kTriggerAnnotation, base::format_rfc3339_micro(session.clock.now())}}}}}};
  const auto patched =
      session.api.patch(config::scheduled_spark_applications(), {session.ns, options.name},
                        kube::PatchType::MergePatch, patch);
  if (!patched) return base::failure(patched.error());
  if (options.wait) return await_end(session, options, before);
  session.out << display_name(config::scheduled_spark_applications(), options.name)
              << " triggered\n";
  return kDone;
}

}  // namespace sparkctl
