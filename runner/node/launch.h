#pragma once

// Launch: everything that a pod's supervisor needs, computed by the node and handed over in a file.
// The supervisor knows nothing of Kubernetes.
//
// The file holds secrets (environment values) and is readable by its owner alone.
// Threads: plain values.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace runner::node {

enum class ContainerRole {
  Init,     // runs to its end before the next one starts
  Sidecar,  // an init container that stays: started in turn, not waited for
  Main,
};

struct ContainerLaunch {
  std::string name;
  ContainerRole role = ContainerRole::Main;
  std::vector<std::string> arguments;    // [0] is the program, an absolute path or found in PATH
  std::vector<std::string> environment;  // "NAME=value", complete
  std::string working_folder;
  std::string log;  // path
};

struct Launch {
  std::string uid;
  std::vector<ContainerLaunch> containers;
  std::chrono::seconds grace{30};           // between SIGTERM and SIGKILL unless a stop says other
  std::optional<base::WallTime> deadline;   // activeDeadlineSeconds
  uint64_t log_limit = uint64_t{16} << 20;  // per container and file; there are two files
  std::string bell;                         // FIFO that wakes the node
};

// A wish to stop, left in a file before the supervisor is told, so that it outlives both.
struct StopRequest {
  std::chrono::seconds grace{30};
};

// The files of one pod's folder.
struct PodFiles {
  std::filesystem::path folder;
  [[nodiscard]] std::filesystem::path pod() const { return folder / "pod.json"; }
  [[nodiscard]] std::filesystem::path launch() const { return folder / "launch.json"; }
  [[nodiscard]] std::filesystem::path journal() const { return folder / "journal"; }
  [[nodiscard]] std::filesystem::path stop() const { return folder / "stop.json"; }
  [[nodiscard]] std::filesystem::path lock() const { return folder / "supervisor.lock"; }
  [[nodiscard]] std::filesystem::path supervisor_log() const { return folder / "supervisor.log"; }
  [[nodiscard]] std::filesystem::path volume(const std::string& name) const {
    return folder / "volumes" / name;
  }
  [[nodiscard]] std::filesystem::path container(const std::string& name) const {
    return folder / "containers" / name;
  }
  [[nodiscard]] std::filesystem::path log(const std::string& container_name) const {
    return container(container_name) / "log";
  }
};

base::Status write_launch(const PodFiles& files, const Launch& launch);
base::Result<Launch> read_launch(const PodFiles& files);
base::Status write_stop(const PodFiles& files, const StopRequest& request);
base::Result<StopRequest> read_stop(const PodFiles& files);

}  // namespace runner::node
