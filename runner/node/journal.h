#pragma once

// Journal: what the supervisor of one pod wrote down, one JSON line per fact, each on disk before
// the next step is taken. The node reads it; whoever dies in between, the facts stay.
//
//   begun     the supervisor took over; from here on nobody else may start this pod
//   started   a container's process exists (written before it execs)
//   exited    how it ended (written after its own leftovers were killed and its log was drained)
//   stopping  SIGTERM was sent to the containers, and why
//   stuck     processes that have got SIGKILL and do not end; the supervisor goes on waiting
//   ended     no process of the pod lives
//   lost      written by the node: the supervisor is gone, and what it left was killed
//
// A torn last line (machine crash) is ignored. Threads: one writer (the node only when
// the supervisor is gone); any reader.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "runner/node/processes.h"

namespace runner::node {

struct ContainerExit {
  int code = 0;    // as Kubernetes counts: 128 + signal
  int signal = 0;  // 0: it exited by itself
  bool out_of_memory = false;
  std::string start_error;  // the program could not be executed
  base::WallTime at;
};

struct ContainerRecord {
  ProcessIdentity process;
  base::WallTime started;
  std::optional<ContainerExit> exit;
};

struct Journal {
  std::optional<ProcessIdentity> supervisor;  // set once begun
  std::string cgroup;                         // of the pod; "" = none
  std::map<std::string, ContainerRecord> containers;
  bool stopping = false;
  bool deadline_exceeded = false;
  std::string stuck;  // who does not end; empty when nobody is known
  std::optional<base::WallTime> ended;
  std::string lost;  // why; empty when it was not
  base::WallTime lost_at;
};

// An absent file is an empty journal.
base::Result<Journal> read_journal(const std::filesystem::path& path);

class JournalWriter {
 public:
  static base::Result<JournalWriter> open(const std::filesystem::path& path);
  base::Status begun(const ProcessIdentity& supervisor, const std::string& cgroup);
  base::Status started(const std::string& container, const ContainerRecord& record);
  base::Status exited(const std::string& container, const ContainerExit& exit);
  enum class StopCause { Asked, Deadline };
  base::Status stopping(StopCause cause, base::WallTime at);
  base::Status stuck(const std::string& who, base::WallTime at);
  base::Status ended(base::WallTime at);
  base::Status lost(const std::string& why, base::WallTime at);

 private:
  explicit JournalWriter(base::FileDescriptor file) : file_(std::move(file)) {}
  base::Status append(const nlohmann::json& fact);
  base::FileDescriptor file_;
  bool torn_ = false;
};

}  // namespace runner::node
