#pragma once

// Child: one container's main process, started in two steps so that its identity is on disk before
// it does anything: start() forks a child that waits, release() lets it exec.
//
// Between the two a crash of the parent ends the child unexecuted. Threads: single-threaded users
// only, since it forks.

#include <optional>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "runner/node/launch.h"
#include "runner/node/processes.h"

namespace runner::node {

class Child {
 public:
  static base::Result<Child> start(const ContainerLaunch& launch);

  [[nodiscard]] const ProcessIdentity& identity() const { return identity_; }
  // Lets it run. The error of a failed exec, empty when the program runs.
  std::string release();
  // Its standard output and error, non-blocking.
  [[nodiscard]] const base::FileDescriptor& output() const { return output_; }
  void close_output() { output_.reset(); }

 private:
  Child() = default;
  ProcessIdentity identity_;
  base::FileDescriptor go_;
  base::FileDescriptor exec_error_;
  base::FileDescriptor output_;
};

}  // namespace runner::node
