#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/history_service.h"
#include "tools/sparkctl/log_lines.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

constexpr const char* kLogPath = "/sparkcron/v1/log";
// Of a service that heeds `attempt`.
constexpr const char* kAttemptHeader = "X-Sparkcron-Attempt";

base::Result<std::string> run_behind(Session& session, const std::string& text) {
  const auto found = find_schedule_or_run(session, text);
  if (!found) {
    // The log may outlive its run: whoever knows a run's name may still ask for it.
    if (found.error().code == base::Code::NotFound && text.find('/') == std::string::npos)
      return text;
    return base::failure(found.error());
  }
  const std::string name = kube::key_of(*found->object).name;
  if (found->type == config::spark_applications()) return name;
  ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, name));
  say_left_out(session, config::spark_applications(), runs);
  if (!runs.items.empty()) return kube::key_of(runs.items.front()).name;
  // All pruned: the schedule still knows the last one.
  std::string last = base::string_at(*found->object, {"status", "lastRunName"});
  if (last.empty()) {
    return base::failure(
        base::Code::NotFound,
        "schedule \"" + name + "\" has no run yet; sparkctl trigger " + name + " starts one");
  }
  return last;
}

// The driver of a run, as its status says, or by the rule for its name.
struct Driver {
  std::string pod;
  bool ended = false;
  std::string state;     // of the run; "" = it is gone
  std::string reason;    // why it is in that state, if it says so
  int64_t attempts = 0;  // 0 = unknown
};

bool is_away(const base::Error& error) {
  return error.code == base::Code::Unavailable || error.code == base::Code::DeadlineExceeded;
}

// Who may not see runs may still see logs.
base::Result<Driver> driver_of(Session& session, const std::string& run) {
  Driver driver{.pod = run + "-driver", .ended = true};
  const auto object = session.api.get(config::spark_applications(), {session.ns, run});
  if (!object && is_away(object.error())) return base::failure(object.error());
  if (!object) return driver;
  driver.state = state_of(*object);
  driver.reason = reason_of(*object);
  driver.ended = is_final(driver.state);
  driver.attempts = base::integer_at(*object, {"status", "executionAttempts"}).value_or(0);
  if (std::string pod = base::string_at(*object, {"status", "driverInfo", "podName"}); !pod.empty())
    driver.pod = std::move(pod);
  return driver;
}

base::Error without_log(const std::string& run, const Driver& driver, const base::Error& error) {
  if (error.code != base::Code::NotFound) return error;
  const std::string why = driver.reason.empty()
                              ? error.message
                              : "it is " + driver.state + ": " + safe_text(driver.reason);
  return {.code = base::Code::NotFound, .message = "no log of \"" + run + "\": " + why};
}

// What the history service has kept of a run whose pod is gone; `attempt` 0 = the last.
base::Result<std::string> kept_log(Session& session, const std::string& run,
                                   const kube::LogOptions& options, int64_t attempt = 0) {
  std::vector<std::pair<std::string, std::string>> query = {{"namespace", session.ns},
                                                            {"run", run}};
  if (attempt > 0) query.emplace_back("attempt", std::to_string(attempt));
  if (!options.container.empty()) query.emplace_back("container", options.container);
  if (options.timestamps) query.emplace_back("timestamps", "true");
  if (options.tail_lines) query.emplace_back("tailLines", std::to_string(*options.tail_lines));
  if (options.since) query.emplace_back("sinceTime", base::format_rfc3339_micro(*options.since));
  ASSIGN_OR_RETURN(const base::http::Response answer,
                   ask_history(session, kLogPath, std::move(query)));
  if (attempt > 0 && !answer.headers.has(kAttemptHeader))
    return base::failure(base::Code::Unimplemented,
                         "the service that keeps the logs is older than sparkctl and knows only "
                         "the newest of a run; leave --attempt and --previous away");
  return answer.body;
}

// As kept_log(); `missing`: why the API has no log.
base::Result<std::string> kept_instead(Session& session, const std::string& run,
                                       const kube::LogOptions& options,
                                       const base::Error& missing) {
  auto kept = kept_log(session, run, options);
  if (kept) return kept;
  const base::Code code = kept.error().code;
  const bool nobody = code == base::Code::NotFound || code == base::Code::Unimplemented;
  return base::failure(nobody ? missing : kept.error());
}

// Prints a driver's log until that driver has ended, though the server goes away meanwhile.
class Follower {
 public:
  Follower(Session& session, std::string run, const LogsOptions& options)
      : session_(session),
        run_(std::move(run)),
        options_(options.log),
        lines_(session.out, options.grep,
               options.log.timestamps ? LineTimes::Shown : LineTimes::Hidden) {
    options_.timestamps = true;  // by which a line is known when it comes again
  }

  base::Status follow() {
    while (session_.out) {  // else nobody reads any more
      const base::Result<bool> all = look();
      if (all && *all) {
        lines_.finish();
        break;
      }
      if (!all && !(seen_ && is_away(all.error()))) return base::failure(all.error());
      if (!all) say("sparkctl: " + safe_text(all.error().message) + "; waiting for the server");
      pause(session_.clock);
    }
    return {};
  }

 private:
  // Whether there is no more to come.
  base::Result<bool> look() {
    ASSIGN_OR_RETURN(const Driver driver, driver_of(session_, run_));
    seen_ = true;
    if (lines_.resume_from()) options_.since = lines_.resume_from();
    const auto log = session_.logs({session_.ns, driver.pod}, options_);
    if (!log) {
      const base::Code code = log.error().code;
      if (code != base::Code::NotFound && code != base::Code::Refused)
        return base::failure(log.error());
      if (driver.ended) return kept(driver, log.error());
      say("waiting for the driver of " + run_);
      return false;
    }
    RETURN_IF_ERROR(print(**log));
    // A log that was opened before its driver ended may have been cut off by its server.
    if (driver.ended) return true;
    ASSIGN_OR_RETURN(const Driver now, driver_of(session_, run_));
    if (is_between_attempts(now.state)) {
      say(run_ + " is " + now.state + "; sparkctl logs -f " + run_ + " follows its next attempt");
      return true;
    }
    if (!now.ended)
      say("the log of " + run_ + " ended and it is still " + now.state + "; waiting for more");
    return false;
  }

  static bool is_between_attempts(const std::string& state) {
    return state == "PENDING_RERUN" || state == "SUBMISSION_FAILED" || state == "INVALIDATING" ||
           state == "SUSPENDING" || state == "SUSPENDED";
  }

  base::Status print(base::http::BodyStream& log) {
    lines_.begin_again();
    options_.tail_lines.reset();  // they were asked for once
    opened_ = true;
    while (session_.out) {
      ASSIGN_OR_RETURN(const std::optional<std::string> bytes, log.read());
      if (!bytes) break;
      lines_.feed(*bytes);
    }
    return {};
  }

  base::Result<bool> kept(const Driver& driver, const base::Error& missing) {
    const auto text = kept_instead(session_, run_, options_, without_log(run_, driver, missing));
    // The rest of it is lost; no reason to take the whole for missing.
    if (!text && opened_ && text.error().code == base::Code::NotFound) return true;
    if (!text) return base::failure(text.error());
    lines_.begin_again();
    lines_.feed(*text);
    return true;
  }

  // Each thing once while it lasts.
  void say(const std::string& what) {
    if (what != said_) session_.err << what << '\n' << std::flush;
    said_ = what;
  }

  Session& session_;
  const std::string run_;
  kube::LogOptions options_;
  LogLines lines_;
  bool seen_ = false;    // the server has answered
  bool opened_ = false;  // some of the log was there
  std::string said_;
};

// The executor's newest pod; what Spark removed at its end has no log any more.
base::Result<std::string> executor_pod(Session& session, const std::string& run,
                                       const std::string& executor) {
  const std::string selector = std::string(config::kAppNameLabel) + "=" + config::label_value(run) +
                               "," + config::kSparkRoleLabel + "=executor";
  ASSIGN_OR_RETURN(const kube::ObjectList pods,
                   session.api.list(kube::pods(), {.ns = session.ns, .label_selector = selector}));
  const kube::Json* newest = nullptr;
  std::set<std::string> there;
  const auto created = [](const kube::Json& pod) {
    return base::string_at(pod, {"metadata", "creationTimestamp"});
  };
  for (const kube::Json& pod : pods.items) {
    const std::string id = base::string_at(pod, {"metadata", "labels", config::kSparkExecIdLabel});
    there.insert(id);
    if (id == executor && (newest == nullptr || created(*newest) < created(pod))) newest = &pod;
  }
  if (newest != nullptr) return kube::key_of(*newest).name;
  std::string others;
  for (const std::string& id : there)
    others += (others.empty() ? "" : ", ") + safe_text(id);
  return base::failure(
      base::Code::NotFound,
      "run \"" + run + "\" has no pod of an executor " + safe_text(executor) +
          (others.empty() ? ", nor of any other: they run inside of the driver, or "
                            "Spark has removed them"
                          : "; there are " + others));
}

base::Status copy(Session& session, base::http::BodyStream& log, LogLines& lines) {
  while (session.out) {  // else nobody reads any more
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, log.read());
    if (!bytes) break;
    lines.feed(*bytes);
  }
  lines.finish();
  return {};
}

// The attempt that is asked for; 0 = the last one.
base::Result<int64_t> attempt_of(Session& session, const std::string& run, const Driver& driver,
                                 const LogsOptions& options) {
  if (options.attempt == 0 && !options.log.previous) return 0;
  int64_t attempts = driver.attempts;
  if (driver.state.empty()) {
    ASSIGN_OR_RETURN(const kube::Json past, past_run(session, run));
    attempts = base::integer_at(past, {"attempts"}).value_or(0);
  }
  const int64_t asked = options.log.previous ? attempts - 1 : options.attempt;
  if (asked >= 1 && asked < attempts) return asked;
  if (asked >= 1 && asked == attempts) return 0;
  const std::string had = attempts == 1 ? "one attempt" : std::to_string(attempts) + " attempts";
  return base::failure(
      base::Code::NotFound,
      "run \"" + run + "\" has had " + had +
          (options.log.previous ? "; there is none before the last"
                                : "; there is no attempt " + std::to_string(options.attempt)));
}

base::Status print_once(Session& session, const std::string& run, const LogsOptions& options,
                        LogLines& lines) {
  ASSIGN_OR_RETURN(const Driver driver, driver_of(session, run));
  ASSIGN_OR_RETURN(const int64_t attempt, attempt_of(session, run, driver, options));
  kube::LogOptions asked = options.log;
  asked.previous = false;
  std::string kept;
  if (attempt == 0) {
    const auto log = session.logs({session.ns, driver.pod}, asked);
    if (log) return copy(session, **log, lines);
    if (log.error().code != base::Code::NotFound) return base::failure(log.error());
    ASSIGN_OR_RETURN(kept,
                     kept_instead(session, run, asked, without_log(run, driver, log.error())));
  } else {
    ASSIGN_OR_RETURN(kept, kept_log(session, run, asked, attempt));
  }
  lines.feed(kept);
  lines.finish();
  return {};
}

}  // namespace

base::Status logs(Session& session, const LogsOptions& options) {
  ASSIGN_OR_RETURN(const std::string run, run_behind(session, options.name));
  if (run != options.name) session.err << "log of " << run << '\n';
  const bool earlier = options.attempt > 0 || options.log.previous;
  if (options.log.follow && options.executor.empty() && !earlier)
    return Follower(session, run, options).follow();
  LogLines lines(session.out, options.grep,
                 options.log.timestamps ? LineTimes::Shown : LineTimes::None);
  if (options.executor.empty()) {
    RETURN_IF_ERROR(print_once(session, run, options, lines));
  } else {
    ASSIGN_OR_RETURN(const std::string pod, executor_pod(session, run, options.executor));
    ASSIGN_OR_RETURN(const auto log, session.logs({session.ns, pod}, options.log));
    RETURN_IF_ERROR(copy(session, *log, lines));
  }
  if (!options.grep.empty() && lines.printed() == 0)
    session.err << "no line with \"" << safe_text(options.grep) << "\"\n";
  return {};
}

}  // namespace sparkctl
