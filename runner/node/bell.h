#pragma once

// Bell: how the node learns that something happened to a pod's processes: supervisors write their
// pod's UID into a FIFO, and the death of a supervisor makes its handle readable. Losing a ring
// costs only time: whoever is woken reads the journal.
//
// Threads: rings come on a thread of its own; watch() from any.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/mutex.h"
#include "base/result.h"
#include "runner/node/processes.h"

namespace runner::node {

class Bell {
 public:
  using OnRing = std::function<void(const std::string& uid)>;
  static base::Result<std::unique_ptr<Bell>> create(const std::filesystem::path& path,
                                                    OnRing on_ring);
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // Rings once when this process is gone, at once if it is gone already. Reaps it when it is ours.
  void watch(const std::string& uid, const ProcessIdentity& supervisor);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  Bell(std::filesystem::path path, base::FileDescriptor fifo, base::FileDescriptor wake,
       OnRing on_ring);
  void run();
  void read_fifo();
  void read_deaths(const std::map<int, std::string>& readable);

  std::filesystem::path path_;
  base::FileDescriptor fifo_;
  base::FileDescriptor wake_;
  OnRing on_ring_;
  std::string partial_;  // of the thread alone
  base::Mutex mutex_;
  std::map<std::string, base::FileDescriptor> watched_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace runner::node
