#include <algorithm>
#include <ostream>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/application.h"
#include "scheduler/run_name.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

// The first manual run of the schedule that was not there before.
base::Result<std::optional<kube::Json>> new_run(Session& session, const std::string& schedule,
                                                const std::set<std::string>& before) {
  ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, schedule));
  const auto found =
      std::find_if(runs.items.rbegin(), runs.items.rend(), [&](const kube::Json& run) {
        return runner::is_by_hand(run) && !before.contains(kube::uid_of(run));
      });
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
          waiting.wait("no run was started; sparkctl describe " + options.name + " says why"));
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

// How often it is looked whether the service took an order up, half a second apart.
constexpr int kLooks = 10;

struct Order {
  kube::ObjectKey schedule;
  std::string value;             // of the annotation
  std::set<std::string> before;  // UIDs of the runs that were there
};

// The order that a schedule carries and that has led to no run yet; "" = none.
std::string open_order(const kube::Json& schedule) {
  std::string value =
      base::string_at(schedule, {"metadata", "annotations", config::kTriggerAnnotation});
  const bool done = base::string_at(schedule, {"status", "scheduling", "handledTrigger"}) == value;
  return done ? "" : value;
}

// The run that an order that was noticed waits to have; "" = none does.
std::string waiting_run(const kube::Json& schedule) {
  const auto at = base::parse_rfc3339(
      base::string_at(schedule, {"status", "scheduling", "pendingTrigger", "at"}));
  if (!at) return "";
  return scheduler::manual_run_name(kube::key_of(schedule).name,
                                    std::chrono::floor<std::chrono::seconds>(*at));
}

// One annotation carries every order: the next is written when the one before has its run, or there
// would be one run for both. Any new value is an order; the time makes it new and says when.
base::Result<Order> give_order(Session& session, const std::string& text) {
  for (int look = 0;; ++look) {
    ASSIGN_OR_RETURN(const kube::Json schedule, find_schedule(session, text));
    const bool last = look >= kLooks;
    const std::string waiting = waiting_run(schedule);
    if (!last && (!open_order(schedule).empty() || !waiting.empty())) {
      pause(session.clock);
      continue;
    }
    if (!waiting.empty())
      return base::failure(base::Code::Refused, "a run by hand waits already for others to end, " +
                                                    waiting +
                                                    ": another order would take its place");
    Order order{.schedule = kube::key_of(schedule),
                .value = base::format_rfc3339_micro(session.clock.now()),
                .before = {}};
    ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, order.schedule.name));
    if (look == 0) say_left_out(session, config::spark_applications(), runs);
    for (const kube::Json& run : runs.items)
      order.before.insert(kube::uid_of(run));
    kube::Json metadata = {{"annotations", {{config::kTriggerAnnotation, order.value}}}};
    if (!last)
      metadata["resourceVersion"] = base::string_at(schedule, {"metadata", "resourceVersion"});
    const auto patched =
        session.api.patch(config::scheduled_spark_applications(), order.schedule,
                          kube::PatchType::MergePatch, {{"metadata", std::move(metadata)}});
    if (patched) return order;
    if (last || patched.error().code != base::Code::Conflict) return base::failure(patched.error());
  }
}

// The run that an order led to; "" = none so far. Since orders are given one after the other, it is
// the first that was not there before, whatever others have ordered by now.
base::Result<std::string> run_of(Session& session, const Order& order) {
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) pause(session.clock);
    ASSIGN_OR_RETURN(const std::optional<kube::Json> started,
                     new_run(session, order.schedule.name, order.before));
    if (started) return kube::key_of(*started).name;
    ASSIGN_OR_RETURN(const kube::Json schedule,
                     session.api.get(config::scheduled_spark_applications(), order.schedule));
    const bool ours = base::string_at(schedule, {"status", "scheduling", "pendingTrigger",
                                                 "value"}) == order.value;
    // Until its annotation is gone, or is known to stay, somebody's next would take its place.
    const bool settled =
        open_order(schedule) != order.value ||
        base::bool_at(schedule, {"status", "scheduling", "pendingTrigger", "stays"}).value_or(true);
    if (ours && settled) return waiting_run(schedule);
  }
  return "";
}

}  // namespace

base::Result<ExitCode> trigger(Session& session, const TriggerOptions& asked) {
  ASSIGN_OR_RETURN(const Order order, give_order(session, asked.name));
  if (asked.wait) {
    TriggerOptions options = asked;
    options.name = order.schedule.name;
    return await_end(session, options, order.before);
  }
  ASSIGN_OR_RETURN(const std::string run, run_of(session, order));
  session.out << display_name(config::scheduled_spark_applications(), order.schedule.name)
              << " triggered" << (run.empty() ? "" : ": " + run) << '\n';
  if (run.empty())
    session.err << "The service has not taken it up yet; sparkctl list runs " << order.schedule.name
                << " shows the run.\n";
  return kDone;
}

}  // namespace sparkctl
