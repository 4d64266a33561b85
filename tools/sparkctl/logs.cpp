#include <ostream>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/history_service.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

constexpr const char* kLogPath = "/sparkcron/v1/log";

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
  std::string state;   // of the run; "" = it is gone
  std::string reason;  // why it is in that state, if it says so
};

Driver driver_of(Session& session, const std::string& run) {
  Driver driver{.pod = run + "-driver", .ended = true};
  const auto object = session.api.get(config::spark_applications(), {session.ns, run});
  if (!object) return driver;
  driver.state = state_of(*object);
  driver.reason = reason_of(*object);
  driver.ended = is_final(driver.state);
  if (std::string pod = base::string_at(*object, {"status", "driverInfo", "podName"}); !pod.empty())
    driver.pod = std::move(pod);
  return driver;
}

// Opens the log; with follow, waits for a driver that is still to come.
base::Result<std::unique_ptr<base::http::BodyStream>> open_log(Session& session,
                                                               const std::string& run,
                                                               const kube::LogOptions& options) {
  bool told = false;
  while (true) {
    const Driver driver = driver_of(session, run);
    auto log = session.logs({session.ns, driver.pod}, options);
    if (log) return log;
    const base::Code code = log.error().code;
    const bool may_come = code == base::Code::NotFound || code == base::Code::Refused;
    if (!options.follow || driver.ended || !may_come) {
      if (code != base::Code::NotFound) return base::failure(log.error());
      return base::failure(
          base::Code::NotFound,
          "no log of \"" + run + "\": " +
              (driver.reason.empty() ? log.error().message
                                     : "it is " + driver.state + ": " + safe_text(driver.reason)));
    }
    if (!told) session.err << "waiting for the driver of " << run << '\n';
    told = true;
    pause(session.clock);
  }
}

// What the history service has kept of a run whose pod is gone. `missing`: why the API has no log.
base::Result<std::string> kept_log(Session& session, const std::string& run,
                                   const kube::LogOptions& options, const base::Error& missing) {
  std::vector<std::pair<std::string, std::string>> query = {{"namespace", session.ns},
                                                            {"run", run}};
  if (!options.container.empty()) query.emplace_back("container", options.container);
  if (options.timestamps) query.emplace_back("timestamps", "true");
  if (options.tail_lines) query.emplace_back("tailLines", std::to_string(*options.tail_lines));
  const auto answer = ask_history(session, kLogPath, std::move(query));
  if (answer) return answer->body;
  const base::Code code = answer.error().code;
  if (code == base::Code::NotFound || code == base::Code::Unimplemented)
    return base::failure(missing);
  return base::failure(answer.error());
}

// The log has ended: has the driver? The status follows within seconds.
base::Status check_ended(Session& session, const std::string& run) {
  constexpr int kLooks = 20;
  Driver driver;
  for (int i = 0; i < kLooks; ++i) {
    driver = driver_of(session, run);
    const bool lives = driver.state == "RUNNING" || driver.state == "SUBMITTED";
    if (!lives) break;
    pause(session.clock);
    if (i + 1 == kLooks)
      return base::failure(base::Code::Unavailable, "the log ended and " + run + " is still " +
                                                        driver.state + "; sparkctl logs -f " + run +
                                                        " goes on");
  }
  if (!driver.ended)
    session.err << run << " is " << driver.state << "; sparkctl logs -f " << run
                << " follows its next attempt\n";
  return {};
}

}  // namespace

base::Status logs(Session& session, const LogsOptions& options) {
  ASSIGN_OR_RETURN(const std::string run, run_behind(session, options.name));
  if (run != options.name) session.err << "log of " << run << '\n';
  const auto opened = open_log(session, run, options.log);
  if (!opened && (opened.error().code != base::Code::NotFound || options.log.previous))
    return base::failure(opened.error());
  if (!opened) {
    ASSIGN_OR_RETURN(const std::string kept, kept_log(session, run, options.log, opened.error()));
    session.out << kept << std::flush;
    return {};
  }
  const auto& log = *opened;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, log->read());
    if (!bytes) return options.log.follow ? check_ended(session, run) : base::Status{};
    session.out << *bytes << std::flush;
    if (!session.out) return {};  // nobody reads any more
  }
}

}  // namespace sparkctl
