#pragma once

// PodRun: one pod on this machine: its folder, its supervisor, what is known of its outcome. Knows
// nothing of the API; the node tells it what to do and asks what to report.
//
//   taken over   the record is written; nothing runs
//   launched     the launch file is written; a supervisor was started, perhaps by an
//                earlier service
//   over         the journal says ended, or the supervisor is gone and what it left
//                was killed
//
// Threads: one.

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "runner/node/journal.h"
#include "runner/node/launch.h"
#include "runner/node/pod_logs.h"
#include "runner/node/pod_record.h"
#include "runner/node/pod_status.h"

namespace runner::node {

class PodRun {
 public:
  PodRun(PodRecord record, PodFiles files);

  [[nodiscard]] const PodRecord& record() const { return record_; }
  [[nodiscard]] const PodFiles& files() const { return files_; }
  [[nodiscard]] bool launched() const { return launched_; }
  [[nodiscard]] bool over() const;

  // Writes the launch file and starts a supervisor with this program. Repeating it is harmless: the
  // journal and the lock let one supervisor begin.
  base::Status launch(const Launch& launch, const std::vector<std::string>& supervisor);
  // Starts one from the launch file that is there already.
  base::Status start_supervisor(const std::vector<std::string>& supervisor);
  // Launched, but nobody has begun and nobody is about to: start_supervisor().
  [[nodiscard]] bool needs_supervisor() const { return needs_supervisor_; }
  // Reads the journal again (an error when it cannot be told who lives); notices a dead supervisor
  // and sweeps up after it. Unavailable while that takes time.
  base::Status refresh(base::WallTime now);
  [[nodiscard]] std::optional<ProcessIdentity> supervisor() const { return journal_.supervisor; }
  // The pid that launch() started; the supervisor may not have begun yet.
  [[nodiscard]] std::optional<ProcessIdentity> started() const { return started_; }

  // Who of its processes does not end although killed; empty: nobody is known.
  [[nodiscard]] const std::string& stuck() const { return journal_.stuck; }

  // SIGTERM now, SIGKILL after the grace period. Repeating it may shorten the time, not lengthen
  // it.
  base::Status stop(std::chrono::seconds grace);

  void set_waiting(std::string reason, std::string message);
  [[nodiscard]] nlohmann::json status() const;
  [[nodiscard]] PodLogs::Entry log_entry() const;
  // Ends what may run of a pod whose record was lost, and with it the certainty that nothing was
  // launched. Unavailable while that takes time.
  [[nodiscard]] base::Status sweep_if_in_doubt() const;

 private:
  [[nodiscard]] std::string termination_message(const std::string& container,
                                                const ContainerExit& exit) const;
  base::Status mark_lost(base::WallTime now);
  [[nodiscard]] base::Status end_processes() const;

  PodRecord record_;
  PodFiles files_;
  Journal journal_;
  bool launched_ = false;
  bool needs_supervisor_ = false;
  std::optional<ProcessIdentity> started_;
  std::optional<std::chrono::seconds> asked_to_stop_;
  std::string waiting_reason_;
  std::string waiting_message_;
};

}  // namespace runner::node
